import { InputDialog, showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

import { Failure } from './api';
import type { IServer } from './contract';
import type { Site } from './site';

/** The schema of a command that takes a server, which the user is asked for where it is left out. */
export function serverArgument(trans: TranslationBundle): { args: ReadonlyJSONObject } {
  return {
    args: {
      type: 'object',
      properties: {
        server: { type: 'string', description: trans.__('Name of a server; asked for if left out') }
      }
    }
  };
}

/**
 * The server that a command is for: the one named, the only one there is, or the one chosen.
 *
 * @returns null where there is none or the user chose none.
 */
export async function chosenServer(
  site: Site,
  trans: TranslationBundle,
  name: unknown,
  isMeant: (server: IServer) => boolean
): Promise<IServer | null> {
  const servers = site.status?.servers ?? [];
  if (typeof name === 'string') {
    return servers.find(one => one.server === name) ?? null;
  }
  const meant = servers.filter(isMeant);
  if (meant.length === 0) {
    await showErrorMessage(trans.__('No server'), trans.__('There is no such server to choose.'));
    return null;
  }
  if (meant.length === 1) {
    return meant[0] ?? null;
  }
  const answer = await InputDialog.getItem({
    title: trans.__('Which server?'),
    items: meant.map(one => one.server)
  });
  return meant.find(one => one.server === answer.value) ?? null;
}

/** Show a failure in the core's own words. */
export async function showFailure(trans: TranslationBundle, error: unknown): Promise<void> {
  if (error instanceof Failure) {
    const isLine = /^(\w+ = )?[%!]/.test(error.toDo);
    const said = isLine ? trans.__('Try: %1', error.toDo) : trans.__('To do: %1', error.toDo);
    const toDo = error.toDo ? said : '';
    await showErrorMessage(error.kind, [error.found, toDo].filter(Boolean).join('\n'));
  } else {
    await showErrorMessage(trans.__('Jupyter does not answer'), String(error));
  }
}

/** Whether a server can be used by a client. */
export function isRunning(server: IServer): boolean {
  return server.state === 'running';
}

/** Whether a server can be stopped. */
export function canStop(server: IServer): boolean {
  return server.can_stop && server.state !== 'stopping';
}

/** Whether a server has ended, and can be taken off the lists. */
export function hasEnded(server: IServer): boolean {
  return server.shared_by === null && /^(stopped|failed)$/.test(server.state);
}

/** Where the palette lists our commands. */
export function paletteCategory(trans: TranslationBundle): string {
  return trans.__('Model servers');
}
