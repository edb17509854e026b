import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Form } from '../form';
import type { Site } from '../site';
import type { IRequest } from '../contract';

/** What the sidebar's buttons do; each is a command of its own. */
export interface IActions {
  refresh: () => void;
  launch: (request: IRequest) => Promise<void>;
  stop: (server: string) => void;
  forget: (server: string) => void;
  logs: (server: string) => void;
  insertClient: (server: string) => void;
  copyClient: (server: string) => void;
  /** Copy a line, and say so. */
  copy: (line: string) => void;
  /** Whether there is a notebook that a cell can be inserted into. */
  canInsert: () => boolean;
}

export interface ISidebarContext {
  site: Site;
  form: Form;
  actions: IActions;
  trans: TranslationBundle;
}

const Context = React.createContext<ISidebarContext | null>(null);

export const SidebarContext = Context.Provider;

/** What all parts of the sidebar share. */
export function useSidebar(): ISidebarContext {
  const found = React.useContext(Context);
  if (found === null) {
    throw new Error('outside of a sidebar');
  }
  return found;
}

/** Launch by a button: whether it is under way, and what begins it. */
export function useLaunch(): [boolean, (request: IRequest) => void] {
  const { actions } = useSidebar();
  const [isLaunching, setLaunching] = React.useState(false);
  const launch = (request: IRequest): void => {
    setLaunching(true);
    void actions.launch(request).finally(() => {
      setLaunching(false);
    });
  };
  return [isLaunching, launch];
}
