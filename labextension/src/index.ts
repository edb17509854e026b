import { client } from './plugins/client';
import { logs } from './plugins/logs';
import { servers } from './plugins/servers';
import { sidebar } from './plugins/sidebar';
import { site } from './plugins/site';
import { status } from './plugins/status';

export { ISite } from './tokens';

/** One plugin for each thing that can be left out: all but the first need only what it provides. */
export default [site, sidebar, status, servers, client, logs];
