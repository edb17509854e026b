import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell } from '@jupyterlab/application';
import {
  Dialog,
  ICommandPalette,
  MainAreaWidget,
  WidgetTracker,
  showDialog
} from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { chosenServer, paletteCategory, serverArgument } from '../choosing';
import { barsIcon } from '../icons';
import { CommandIds, ISite } from '../tokens';
import { LogView } from '../view/LogView';

/** The engine's log: a tab beside the notebook; where there are no tabs, a dialog. */
export const logs: JupyterFrontEndPlugin<void> = {
  id: 'aim-jupyter:logs',
  description: 'Shows the log of a model server, and follows it.',
  autoStart: true,
  requires: [ISite],
  optional: [ILabShell, ITranslator, ICommandPalette],
  activate: (
    app,
    site: ISite,
    shell: ILabShell | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const trans = (translator ?? nullTranslator).load('aim_jupyter');
    const open = new WidgetTracker<MainAreaWidget<LogView>>({ namespace: 'aim-jupyter-logs' });
    app.commands.addCommand(CommandIds.logs, {
      label: trans.__('Show the log of a model server'),
      caption: trans.__('Show the end of its log and follow it'),
      describedBy: serverArgument(trans),
      execute: async args => {
        const server = await chosenServer(site, trans, args.server, () => true);
        if (server === null) {
          return;
        }
        const view = (): LogView => new LogView(site.api, server.server, trans);
        if (shell === null) {
          await inDialog(view(), trans);
          return;
        }
        const there = open.find(one => one.content.server === server.server);
        const widget = there ?? tab(view(), trans);
        if (!there) {
          shell.add(widget, 'main', { mode: 'split-bottom' });
          await open.add(widget);
        }
        shell.activateById(widget.id);
      }
    });
    palette?.addItem({ command: CommandIds.logs, category: paletteCategory(trans) });
  }
};

function tab(content: LogView, trans: TranslationBundle): MainAreaWidget<LogView> {
  const widget = new MainAreaWidget({ content });
  widget.id = `aim-jupyter-log-${content.server}`;
  widget.title.label = trans.__('%1 log', content.server);
  widget.title.icon = barsIcon;
  widget.title.closable = true;
  return widget;
}

async function inDialog(body: LogView, trans: TranslationBundle): Promise<void> {
  await showDialog({
    title: trans.__('%1 log', body.server),
    body,
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}
