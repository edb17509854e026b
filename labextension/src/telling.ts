import type { TranslationBundle } from '@jupyterlab/translation';

import type { IServer, State } from './contract';

/** A state in the reader's language. */
export function stateWord(trans: TranslationBundle, state: State): string {
  switch (state) {
    case 'starting':
      return trans.__('starting');
    case 'running':
      return trans.__('running');
    case 'stopping':
      return trans.__('stopping');
    case 'stopped':
      return trans.__('stopped');
    case 'failed':
      return trans.__('failed');
    case 'unknown':
      return trans.__('unknown');
  }
}

/** What is said aloud of a server that has come to another stage or state. */
export function changeWords(trans: TranslationBundle, server: IServer): string {
  const name = server.server;
  switch (server.state) {
    case 'starting':
      return server.stage
        ? trans.__('%1 is starting: %2', name, server.stage)
        : trans.__('%1 is starting', name);
    case 'running':
      return trans.__('%1 is running', name);
    case 'stopping':
      return trans.__('%1 is stopping', name);
    case 'stopped':
      return trans.__('%1 has stopped', name);
    case 'failed':
      return trans.__('%1 has failed: %2', name, server.crash?.what ?? server.reason ?? '');
    case 'unknown':
      return trans.__('The state of %1 is unknown', name);
  }
}
