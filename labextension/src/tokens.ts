import { Token } from '@lumino/coreutils';

import type { Site } from './site';

/** The machine behind this Jupyter server, for every plugin that shows or changes it. */
export const ISite = new Token<Site>(
  'aim-jupyter:ISite',
  'The GPUs, model servers and cache of the machine behind this Jupyter server.'
);
export type ISite = Site;

/** The commands; each button of the sidebar is one of them. */
export const CommandIds = {
  open: 'aim-jupyter:open',
  refresh: 'aim-jupyter:refresh',
  launch: 'aim-jupyter:launch',
  stop: 'aim-jupyter:stop',
  forget: 'aim-jupyter:forget',
  logs: 'aim-jupyter:show-logs',
  insertClient: 'aim-jupyter:insert-client',
  copyClient: 'aim-jupyter:copy-client',
  copyLaunch: 'aim-jupyter:copy-launch-line'
} as const;
