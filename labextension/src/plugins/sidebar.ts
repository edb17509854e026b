import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Failure } from '../api';
import { paletteCategory } from '../choosing';
import { Form } from '../form';
import { CommandIds, ISite } from '../tokens';
import type { IActions } from '../view/context';
import type { Opened } from '../view/Sidebar';
import type { IMemory } from '../view/SidebarWidget';
import { SidebarWidget } from '../view/SidebarWidget';

const ID = 'aim-jupyter:sidebar';
/** Behind JupyterLab's own, before what other extensions bring. */
const RANK = 600;

/** The sidebar itself, and the commands that show it. */
export const sidebar: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Shows GPUs, model servers, a launch form and the cache in a sidebar.',
  autoStart: true,
  requires: [ISite],
  optional: [ITranslator, ILayoutRestorer, ICommandPalette, INotebookTracker, IStateDB],
  activate: (
    app,
    site: ISite,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    notebooks: INotebookTracker | null,
    state: IStateDB | null
  ) => {
    const trans = (translator ?? nullTranslator).load('aim_jupyter');
    const form = new Form(site.api);
    // What runs stands first in the list of models.
    site.serverChanged.connect(() => {
      void form.refresh();
    });
    const context = { site, form, actions: actions(app, form), trans };
    const widget = new SidebarWidget(context, memory(state));
    restorer?.add(widget, widget.id);
    app.shell.add(widget, 'left', { rank: RANK, type: 'aim' });
    // Whether a cell can be inserted is for the buttons to know.
    notebooks?.currentChanged.connect(() => {
      app.commands.notifyCommandChanged(CommandIds.insertClient);
      widget.update();
    }, widget);
    addCommands(app, widget, trans, palette);
  }
};

function addCommands(
  app: JupyterFrontEnd,
  widget: SidebarWidget,
  trans: TranslationBundle,
  palette: ICommandPalette | null
): void {
  app.commands.addCommand(CommandIds.open, {
    label: trans.__('Show GPUs and model servers'),
    caption: trans.__('Open the sidebar of aim'),
    describedBy: {
      args: {
        type: 'object',
        properties: {
          launch: { type: 'boolean', description: trans.__('Open the launch form in it') }
        }
      }
    },
    execute: args => {
      app.shell.activateById(widget.id);
      if (args.launch === true) {
        widget.openLaunch();
      }
    }
  });
  palette?.addItem({ command: CommandIds.open, category: paletteCategory(trans) });
}

/** The buttons as commands. What a launch is refused for is shown in the form. */
function actions(app: JupyterFrontEnd, form: Form): IActions {
  const run = (command: string, args: Record<string, string | number> = {}): void => {
    void app.commands.execute(command, args);
  };
  return {
    refresh: () => {
      run(CommandIds.refresh);
    },
    launch: async request => {
      try {
        await app.commands.execute(CommandIds.launch, { ...request, quiet: true });
        await form.launched(request.model);
      } catch (error) {
        form.refused(error instanceof Failure ? error : unreachable(error));
      }
    },
    stop: server => {
      run(CommandIds.stop, { server });
    },
    forget: server => {
      run(CommandIds.forget, { server });
    },
    logs: server => {
      run(CommandIds.logs, { server });
    },
    insertClient: server => {
      run(CommandIds.insertClient, { server });
    },
    copyClient: server => {
      run(CommandIds.copyClient, { server });
    },
    copy: line => {
      run(CommandIds.copyLaunch, { line });
    },
    canInsert: () => app.commands.isEnabled(CommandIds.insertClient)
  };
}

function unreachable(error: unknown): Failure {
  return new Failure('NetworkError', String(error), '', 0);
}

function memory(state: IStateDB | null): IMemory {
  return {
    load: async () => ((await state?.fetch(ID)) ?? {}) as Opened,
    save: opened => {
      void state?.save(ID, opened);
    }
  };
}
