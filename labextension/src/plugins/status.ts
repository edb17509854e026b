import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIds, ISite } from '../tokens';
import { StatusItem } from '../view/StatusItem';

const ID = 'aim-jupyter:status';

/** GPUs free and servers running, in the status bar where there is one. */
export const status: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Shows free GPUs and running model servers in the status bar.',
  autoStart: true,
  requires: [ISite],
  optional: [IStatusBar, ITranslator, ISettingRegistry],
  activate: (
    app,
    made: ISite,
    bar: IStatusBar | null,
    translator: ITranslator | null,
    settings: ISettingRegistry | null
  ) => {
    if (bar === null) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('aim_jupyter');
    const item = new StatusItem(made, trans, () => {
      void app.commands.execute(CommandIds.open);
    });
    bar.registerStatusItem(ID, {
      item,
      align: 'left',
      rank: 90,
      isActive: () => item.isActive,
      activeStateChanged: item.activeStateChanged
    });
    void follow(item, settings);
  }
};

async function follow(item: StatusItem, settings: ISettingRegistry | null): Promise<void> {
  const loaded = await settings?.load(ID);
  const apply = (): void => {
    item.isEnabled = loaded?.get('enabled').composite !== false;
  };
  loaded?.changed.connect(apply, item);
  apply();
}
