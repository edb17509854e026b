import { Poll } from '@lumino/polling';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Api } from './api';
import { Failure } from './api';
import type { IServer, IStatus } from './contract';

/**
 * How the last question ended. Absent: Jupyter has no such extension. Lost: it has not answered,
 * and what is known is old. Refused: it answered that it can't say.
 */
export type Connection = 'reading' | 'connected' | 'lost' | 'refused' | 'absent';

/** Something of a server that is worth saying aloud: never a tick, only what became of it. */
export interface IChange {
  server: IServer;
  before: IServer | null;
}

/** Looked at only from the corner of the eye, from the status bar, once in so many ms is enough. */
const GLANCE_MS = 15_000;
/** While a server starts or stops, each second tells something. */
const BUSY_MS = 1000;
const MOST_MS = 60_000;

/**
 * This machine as the Jupyter server sees it: asked again and again while somebody looks.
 *
 * The questions stop while the browser's tab is hidden, get rarer while nobody answers, and never
 * count as activity of the user: the server's handlers see to that.
 */
export class Site implements IDisposable {
  constructor(readonly api: Api) {
    this._poll = new Poll<IStatus>({
      name: 'aim-jupyter:status',
      factory: () => this._read(),
      frequency: { interval: this._pace, backoff: 2, max: MOST_MS },
      standby: () => (this._watchers === 0 ? true : 'when-hidden')
    });
    this._poll.ticked.connect(this._ticked, this);
  }

  /** What was read last, null before the first answer. */
  get status(): IStatus | null {
    return this._status;
  }

  get connection(): Connection {
    return this._connection;
  }

  /** What Jupyter said instead of an answer, where it did. */
  get failure(): Failure | null {
    return this._failure;
  }

  /** When the last answer came. */
  get readAt(): Date | null {
    return this._readAt;
  }

  /** When it is asked again. */
  get nextAt(): Date {
    const { timestamp, interval } = this._poll.state;
    return new Date(timestamp + interval);
  }

  /** Whether anything that is shown may be out of date. */
  get isOld(): boolean {
    return this._status !== null && this._connection !== 'connected';
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Servers that have come to another stage or state. */
  get serverChanged(): ISignal<Site, IChange> {
    return this._serverChanged;
  }

  /** Milliseconds between two questions while the sidebar is open and nothing starts or stops. */
  set interval(interval: number) {
    this._interval = interval;
    this._setPace();
  }

  /**
   * Somebody looks; the closer of them sets the pace.
   *
   * @returns what ends the looking.
   */
  watch(how: 'close' | 'glance'): IDisposable {
    const looks = how === 'close' ? 1 : 0;
    this._watchers += 1;
    this._close += looks;
    this._setPace();
    void this.refresh();
    let isDisposed = false;
    const end = (): void => {
      if (!isDisposed) {
        isDisposed = true;
        this._watchers -= 1;
        this._close -= looks;
        this._setPace();
      }
    };
    return {
      get isDisposed() {
        return isDisposed;
      },
      dispose: end
    };
  }

  /** Ask now, also while nobody looks; it resolves when the answer, or none, is there. */
  async refresh(): Promise<void> {
    this._watchers += 1;
    try {
      await this._poll.refresh();
      await this._poll.tick.catch(() => undefined);
    } finally {
      this._watchers -= 1;
    }
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  dispose(): void {
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _read(): Promise<IStatus> {
    try {
      const status = await this.api.status();
      const before = this._status;
      this._status = status;
      this._readAt = new Date();
      this._failure = null;
      this._connection = 'connected';
      this._setPace();
      this._tellChanges(before, status);
      return status;
    } catch (error) {
      this._failure = error instanceof Failure ? error : null;
      this._connection = this._failure ? this._refusal(this._failure) : 'lost';
      throw error;
    }
  }

  private _refusal(failure: Failure): Connection {
    return failure.isAbsent ? 'absent' : 'refused';
  }

  private _ticked(): void {
    this._changed.emit();
  }

  private _tellChanges(before: IStatus | null, now: IStatus): void {
    if (before === null) {
      return;
    }
    for (const server of now.servers) {
      const earlier = before.servers.find(isSame(server)) ?? null;
      if (earlier?.state !== server.state || earlier.stage !== server.stage) {
        this._serverChanged.emit({ server, before: earlier });
      }
    }
  }

  private _setPace(): void {
    const moving = this._status?.servers.some(one => /^(starting|stopping)$/.test(one.state));
    const calm = this._close > 0 ? this._interval : Math.max(GLANCE_MS, this._interval);
    const pace = moving ? Math.min(BUSY_MS, calm) : calm;
    if (pace !== this._pace) {
      this._pace = pace;
      this._poll.frequency = { interval: pace, backoff: 2, max: MOST_MS };
    }
  }

  private readonly _poll: Poll<IStatus>;
  private _interval = 3000;
  private _pace = 3000;
  private _watchers = 0;
  private _close = 0;
  private _status: IStatus | null = null;
  private _connection: Connection = 'reading';
  private _failure: Failure | null = null;
  private _readAt: Date | null = null;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _serverChanged = new Signal<this, IChange>(this);
}

/** Whether two rows are one server: a name can be used again after its server has ended. */
function isSame(server: IServer): (other: IServer) => boolean {
  return other => other.server === server.server && other.started_at === server.started_at;
}
