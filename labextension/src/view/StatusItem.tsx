import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import * as React from 'react';

import type { IServer, IStatus } from '../contract';
import type { Site } from '../site';
import type { Role, Shape } from './glyphs';
import { Glyph } from './glyphs';
import { isClosed } from './Gpus';

interface ISummary {
  glyph: { shape: Shape; role: Role } | null;
  words: string;
}

/** The status bar in a line, null where there is nothing to say. */
export function summary(trans: TranslationBundle, site: Site): ISummary | null {
  if (site.connection === 'absent') {
    return null;
  }
  if (site.connection === 'lost') {
    return { glyph: { shape: 'triangle', role: 'care' }, words: trans.__('aim: not connected') };
  }
  if (site.status === null) {
    const words = trans.__('aim: reading');
    return site.connection === 'reading' ? { glyph: null, words } : null;
  }
  return told(trans, site.status);
}

function told(trans: TranslationBundle, status: IStatus): ISummary | null {
  const { gpus, servers, engine } = status;
  const count = (state: string): number => servers.filter(one => one.state === state).length;
  const [running, starting, failed] = ['running', 'starting', 'failed'].map(count) as Counts;
  const free = gpus.filter(gpu => gpu.state === 'free').length;
  if (isClosed(gpus)) {
    return { glyph: { shape: 'cross', role: 'bad' }, words: trans.__('aim: no GPU access') };
  }
  const parts = [
    running > 0 ? trans.__('%1 running', running) : '',
    starting > 0 ? trans.__('%1 starting', starting) : '',
    failed > 0 ? trans.__('%1 failed', failed) : '',
    gpus.length > 0 ? trans._n('%1 GPU free', '%1 GPUs free', free) : ''
  ].filter(Boolean);
  if (parts.length > 0) {
    return { glyph: glyph(servers), words: trans.__('aim: %1', parts.join(' · ')) };
  }
  // Without a GPU and without an engine nothing can be launched: there is nothing to say.
  return engine === null ? null : { glyph: null, words: trans.__('aim: no GPU · demo available') };
}

type Counts = [number, number, number];

/** The state that matters most. */
function glyph(servers: IServer[]): ISummary['glyph'] {
  const has = (state: string): boolean => servers.some(one => one.state === state);
  if (has('failed')) {
    return { shape: 'cross', role: 'bad' };
  }
  if (has('starting')) {
    return { shape: 'half', role: 'yours' };
  }
  return has('running') ? { shape: 'disc', role: 'good' } : null;
}

/** GPUs free and servers running, in the status bar; a click opens the sidebar. */
export class StatusItem extends ReactWidget {
  constructor(
    private readonly _site: Site,
    private readonly _trans: TranslationBundle,
    private readonly _open: () => void
  ) {
    super();
    this.addClass('aim-StatusItem');
    _site.changed.connect(this._changed, this);
  }

  /** Whether it is shown at all; who turns it off spares the machine its questions. */
  set isEnabled(isEnabled: boolean) {
    this._watching?.dispose();
    this._watching = isEnabled ? this._site.watch('glance') : null;
    this._changed();
  }

  get isActive(): boolean {
    return this._watching !== null && summary(this._trans, this._site) !== null;
  }

  readonly activeStateChanged = new Signal<this, void>(this);

  override dispose(): void {
    this._watching?.dispose();
    Signal.clearData(this);
    super.dispose();
  }

  protected override render(): React.ReactElement | null {
    const told = summary(this._trans, this._site);
    if (told === null) {
      return null;
    }
    return (
      <button
        type="button"
        title={this._trans.__('Show GPUs and model servers')}
        onClick={this._open}
      >
        {told.glyph !== null && <Glyph {...told.glyph} />}
        {told.words}
      </button>
    );
  }

  private _changed(): void {
    this.activeStateChanged.emit();
    this.update();
  }

  private _watching: IDisposable | null = null;
}
