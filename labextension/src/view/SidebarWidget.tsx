import { ReactWidget } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import { barsIcon } from '../icons';
import type { ISidebarContext } from './context';
import { SidebarContext } from './context';
import type { Opened } from './Sidebar';
import { Sidebar } from './Sidebar';

/** Keeps which sections are open, from one session to the next. */
export interface IMemory {
  load(): Promise<Opened>;
  save(opened: Opened): void;
}

/** The sidebar as JupyterLab places it. The machine is asked only while it is shown. */
export class SidebarWidget extends ReactWidget {
  constructor(
    private readonly _context: ISidebarContext,
    private readonly _memory: IMemory
  ) {
    super();
    this.id = 'aim-jupyter-sidebar';
    this.addClass('aim-Sidebar');
    this.title.icon = barsIcon;
    this.title.caption = _context.trans.__('aim: GPUs and model servers');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', this.title.caption);
    void _memory.load().then(opened => {
      this._opened = { ...opened, ...this._opened };
      this.update();
    });
  }

  protected override render(): React.ReactElement {
    return (
      <SidebarContext value={this._context}>
        <Sidebar opened={this._opened} setOpened={this._setOpened} />
      </SidebarContext>
    );
  }

  override dispose(): void {
    this._watching?.dispose();
    this._context.form.dispose();
    super.dispose();
  }

  /** Open the launch form and move the focus into it. */
  openLaunch(): void {
    this._context.form.call();
    this._setOpened({ ...this._opened, launch: true });
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._watching ??= this._context.site.watch('close');
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this._watching ??= this._context.site.watch('close');
    }
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._watching?.dispose();
    this._watching = null;
  }

  private readonly _setOpened = (opened: Opened): void => {
    this._opened = opened;
    this._memory.save(opened);
    this.update();
  };

  private _opened: Opened = {};
  private _watching: IDisposable | null = null;
}
