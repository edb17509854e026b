import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { Api } from '../api';
import { Site } from '../site';
import { ISite } from '../tokens';

const ID = 'aim-jupyter:site';

/** What is known of the machine, once for all plugins. */
export const site: JupyterFrontEndPlugin<ISite> = {
  id: ID,
  description: 'Reads the GPUs, model servers and cache of the machine behind this Jupyter server.',
  autoStart: true,
  provides: ISite,
  optional: [ISettingRegistry],
  activate: (app, settings: ISettingRegistry | null) => {
    const made = new Site(new Api(app.serviceManager.serverSettings));
    void follow(made, settings);
    return made;
  }
};

async function follow(made: Site, settings: ISettingRegistry | null): Promise<void> {
  const loaded = await settings?.load(ID);
  const apply = (): void => {
    const seconds = loaded?.get('pollSeconds').composite;
    if (typeof seconds === 'number') {
      made.interval = 1000 * seconds;
    }
  };
  loaded?.changed.connect(apply, made);
  apply();
}
