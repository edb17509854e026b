/** Of JupyterLab's components those that are used here: the others need more of a browser. */
export { ReactWidget } from '@jupyterlab/ui-components/lib/components/vdom';
export { LabIcon, refreshIcon } from '@jupyterlab/ui-components/lib/icon';
