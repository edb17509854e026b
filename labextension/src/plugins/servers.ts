import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, Dialog, ICommandPalette, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyJSONObject, ReadonlyPartialJSONObject } from '@lumino/coreutils';

import {
  canStop,
  chosenServer,
  hasEnded,
  paletteCategory,
  serverArgument,
  showFailure
} from '../choosing';
import type { IServer, IRequest } from '../contract';
import { CommandIds, ISite } from '../tokens';

/** Launch and stop, as commands. */
export const servers: JupyterFrontEndPlugin<void> = {
  id: 'aim-jupyter:servers',
  description: 'Launches, stops and forgets model servers by commands.',
  autoStart: true,
  requires: [ISite],
  optional: [ITranslator, ICommandPalette],
  activate: (app, site: ISite, translator: ITranslator | null, palette: ICommandPalette | null) => {
    const trans = (translator ?? nullTranslator).load('aim_jupyter');
    addLaunch(app, site, trans);
    addStop(app, site, trans);
    addForget(app, site, trans);
    addRefresh(app, site, trans);
    addCopy(app, trans);
    const category = paletteCategory(trans);
    palette?.addItem({ command: CommandIds.launch, category, args: { model: 'demo' } });
    palette?.addItem({ command: CommandIds.launch, category });
    palette?.addItem({ command: CommandIds.stop, category });
    palette?.addItem({ command: CommandIds.forget, category });
    palette?.addItem({ command: CommandIds.refresh, category });
    site.changed.connect(() => {
      app.commands.notifyCommandChanged(CommandIds.stop);
      app.commands.notifyCommandChanged(CommandIds.forget);
    }, site);
  }
};

function addLaunch(app: JupyterFrontEnd, site: ISite, trans: TranslationBundle): void {
  app.commands.addCommand(CommandIds.launch, {
    label: args =>
      args.model === 'demo' ? trans.__('Launch the demo model') : trans.__('Launch a model'),
    caption: trans.__('Start a model server in the background'),
    describedBy: { args: launchArguments(trans) },
    execute: async args => {
      const { model } = args;
      if (typeof model !== 'string') {
        await app.commands.execute(CommandIds.open, { launch: true });
        return null;
      }
      try {
        const made = await site.api.launch(request(model, args));
        await site.refresh();
        return made.server;
      } catch (error) {
        if (args.quiet === true) {
          throw error;
        }
        await showFailure(trans, error);
        return null;
      }
    }
  });
}

function launchArguments(trans: TranslationBundle): ReadonlyJSONObject {
  return {
    type: 'object',
    properties: {
      model: {
        type: 'string',
        description: trans.__('Name, repository or folder; without one the launch form is opened')
      },
      recipe: { type: 'string', description: trans.__('Id of a recipe; else the best one here') },
      users: { type: 'integer', description: trans.__('So many at the same time') },
      context: { type: 'integer', description: trans.__('So many tokens each') },
      gpus: { type: 'string', description: trans.__('GPUs by number, such as 4,5') },
      name: { type: 'string', description: trans.__('Name of the server') },
      new: { type: 'boolean', description: trans.__('Beside a server that is the same') },
      quiet: { type: 'boolean', description: trans.__('Throw a failure instead of showing it') }
    }
  };
}

const TEXTS = ['recipe', 'gpus', 'name'] as const;
const COUNTS = ['users', 'context'] as const;

function request(model: string, args: ReadonlyPartialJSONObject): IRequest {
  const made: IRequest = { model };
  for (const name of TEXTS) {
    const value = args[name];
    if (typeof value === 'string') {
      made[name] = value;
    }
  }
  for (const name of COUNTS) {
    const value = args[name];
    if (typeof value === 'number') {
      made[name] = value;
    }
  }
  return args.new === true ? { ...made, new: true } : made;
}

function addStop(app: JupyterFrontEnd, site: ISite, trans: TranslationBundle): void {
  app.commands.addCommand(CommandIds.stop, {
    label: trans.__('Stop a model server'),
    caption: trans.__('Running requests finish, and nothing of it is left'),
    describedBy: serverArgument(trans),
    isEnabled: () => site.status?.servers.some(canStop) ?? false,
    execute: async args => {
      const server = await chosenServer(site, trans, args.server, canStop);
      if (server === null || !(await isSure(server, trans))) {
        return;
      }
      try {
        await site.api.stop(server.server);
      } catch (error) {
        await showFailure(trans, error);
      }
      await site.refresh();
    }
  });
}

function addForget(app: JupyterFrontEnd, site: ISite, trans: TranslationBundle): void {
  app.commands.addCommand(CommandIds.forget, {
    label: trans.__('Forget an ended model server'),
    caption: trans.__('Take it off the lists, with its log'),
    describedBy: serverArgument(trans),
    isEnabled: () => site.status?.servers.some(hasEnded) ?? false,
    execute: async args => {
      const server = await chosenServer(site, trans, args.server, hasEnded);
      if (server === null) {
        return;
      }
      try {
        await site.api.forget(server.server);
      } catch (error) {
        await showFailure(trans, error);
      }
      await site.refresh();
    }
  });
}

/** Ask only while requests run: there is nothing to lose otherwise. */
async function isSure(server: IServer, trans: TranslationBundle): Promise<boolean> {
  const running = server.running_requests ?? 0;
  if (running === 0) {
    return true;
  }
  const answer = await showDialog({
    title: trans.__('Stop %1?', server.server),
    body: trans._n('%1 request is running.', '%1 requests are running.', running),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Keep running') }),
      Dialog.warnButton({ label: trans.__('Stop') })
    ],
    defaultButton: 0
  });
  return answer.button.accept;
}

function addRefresh(app: JupyterFrontEnd, site: ISite, trans: TranslationBundle): void {
  app.commands.addCommand(CommandIds.refresh, {
    label: trans.__('Refresh GPUs and model servers'),
    caption: trans.__('Read the machine again now'),
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => site.refresh()
  });
}

function addCopy(app: JupyterFrontEnd, trans: TranslationBundle): void {
  app.commands.addCommand(CommandIds.copyLaunch, {
    label: trans.__('Copy as magic'),
    caption: trans.__('Copy the line that does the same from a notebook'),
    describedBy: {
      args: {
        type: 'object',
        properties: { line: { type: 'string', description: trans.__('The line to copy') } },
        required: ['line']
      }
    },
    execute: args => {
      const { line } = args;
      if (typeof line === 'string') {
        Clipboard.copyToSystem(line);
        Notification.info(trans.__('Copied: %1', line), { autoClose: 3000 });
      }
    }
  });
}
