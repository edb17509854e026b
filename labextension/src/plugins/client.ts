import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, ICommandPalette, Notification } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { chosenServer, isRunning, paletteCategory, serverArgument } from '../choosing';
import { CommandIds, ISite } from '../tokens';

const LOAD = '%load_ext aim_jupyter';

/** A client for a running server: into the current notebook, or onto the clipboard. */
export const client: JupyterFrontEndPlugin<void> = {
  id: 'aim-jupyter:client',
  description: 'Inserts or copies the code of a client for a running model server.',
  autoStart: true,
  requires: [ISite],
  optional: [INotebookTracker, ITranslator, ICommandPalette],
  activate: (
    app,
    site: ISite,
    notebooks: INotebookTracker | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const trans = (translator ?? nullTranslator).load('aim_jupyter');
    addInsert(app, site, trans, notebooks);
    addCopy(app, site, trans);
    for (const command of [CommandIds.insertClient, CommandIds.copyClient]) {
      palette?.addItem({ command, category: paletteCategory(trans) });
      site.changed.connect(() => {
        app.commands.notifyCommandChanged(command);
      }, site);
    }
  }
};

function addInsert(
  app: JupyterFrontEnd,
  site: ISite,
  trans: TranslationBundle,
  notebooks: INotebookTracker | null
): void {
  app.commands.addCommand(CommandIds.insertClient, {
    label: trans.__('Insert client of a model server'),
    caption: trans.__('Insert a cell with a client into the current notebook'),
    describedBy: serverArgument(trans),
    isEnabled: () => {
      const isReady = site.status?.servers.some(isRunning) ?? false;
      return isReady && (notebooks?.currentWidget ?? null) !== null;
    },
    execute: async args => {
      const panel = notebooks?.currentWidget ?? null;
      const server = await chosenServer(site, trans, args.server, isRunning);
      if (panel !== null && server !== null) {
        insert(panel, server.client_code);
      }
    }
  });
}

/** Insert a cell below the active one; it loads the magics where no cell of the notebook does. */
export function insert(panel: NotebookPanel, code: string): void {
  const { content } = panel;
  const cells = content.model?.sharedModel.cells ?? [];
  const isLoaded = cells.some(cell => cell.getSource().includes(LOAD));
  NotebookActions.insertBelow(content);
  content.activeCell?.model.sharedModel.setSource(isLoaded ? code : `${LOAD}\n${code}`);
  content.activate();
}

function addCopy(app: JupyterFrontEnd, site: ISite, trans: TranslationBundle): void {
  app.commands.addCommand(CommandIds.copyClient, {
    label: trans.__('Copy client code of a model server'),
    caption: trans.__('Copy the cell that makes a client'),
    describedBy: serverArgument(trans),
    isEnabled: () => site.status?.servers.some(isRunning) ?? false,
    execute: async args => {
      const server = await chosenServer(site, trans, args.server, isRunning);
      if (server !== null) {
        Clipboard.copyToSystem(server.client_code);
        const first = server.client_code.split('\n')[0] ?? '';
        Notification.info(trans.__('Copied: %1', `${first} …`), { autoClose: 3000 });
      }
    }
  });
}
