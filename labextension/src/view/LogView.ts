import type { TranslationBundle } from '@jupyterlab/translation';
import { Poll } from '@lumino/polling';
import { Widget } from '@lumino/widgets';

import type { Api } from '../api';
import { Failure } from '../api';

const LINES = 500;
const EVERY_MS = 2000;

/** The end of an engine's log; it follows while it is shown and scrolled to its end. */
export class LogView extends Widget {
  constructor(
    private readonly _api: Api,
    readonly server: string,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('aim-Log');
    this.node.tabIndex = 0;
    // JupyterLab gives the widget itself a role of its own.
    this._lines.setAttribute('role', 'log');
    this._lines.setAttribute('aria-live', 'off');
    this._lines.setAttribute('aria-label', _trans.__('Log of %1', server));
    this._lines.textContent = _trans.__('Reading the log');
    this.node.append(this._lines);
    this._poll = new Poll({
      name: `aim-jupyter:log:${server}`,
      factory: () => this._read(),
      frequency: { interval: EVERY_MS, backoff: 2, max: 30_000 },
      standby: () => (this.isVisible ? 'when-hidden' : true)
    });
  }

  override dispose(): void {
    this._poll.dispose();
    super.dispose();
  }

  private async _read(): Promise<void> {
    try {
      this._show(await this._api.logs(this.server, LINES));
    } catch (error) {
      if (error instanceof Failure) {
        this._show([error.found, error.toDo]);
      }
      throw error;
    }
  }

  private _show(lines: string[]): void {
    const text = lines.join('\n') || this._trans.__('The log is empty.');
    if (text === this._lines.textContent) {
      return;
    }
    const { scrollTop, scrollHeight, clientHeight } = this.node;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < 30;
    this._lines.textContent = text;
    if (isAtEnd) {
      this.node.scrollTop = this.node.scrollHeight;
    }
  }

  private readonly _lines = document.createElement('pre');
  private readonly _poll: Poll;
}
