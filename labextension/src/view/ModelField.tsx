import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IPicker } from '../../../aim_jupyter/panel/static/picker.js';
import { createPicker, WORDS } from '../../../aim_jupyter/panel/static/picker.js';
import { useSidebar } from './context';
import { cardId } from './Servers';

/** The model field: the panel's own, put where React leaves it alone. */
export function ModelField(): React.ReactElement {
  const { form, trans } = useSidebar();
  const host = React.useRef<HTMLDivElement>(null);
  const picker = React.useRef<IPicker | null>(null);
  React.useEffect(() => {
    if (host.current === null) {
      return;
    }
    const choose = (model: string, isAnother: boolean): void => {
      void form.chooseModel(model, isAnother);
    };
    const made = createPicker(host.current, { choose, attach }, words(trans));
    picker.current = made;
    return () => {
      made.destroy();
    };
  }, [form, trans]);
  React.useEffect(() => {
    picker.current?.show({
      models: form.known?.models ?? null,
      chosen: form.model,
      offline: form.known?.offline ?? false,
      about: ''
    });
    if (form.takeCall()) {
      picker.current?.focus();
    }
  });
  return <div ref={host} />;
}

/** Turn to the card of a server that has the model already. */
function attach(server: string): void {
  const card = document.getElementById(cardId(server));
  card?.scrollIntoView({ block: 'nearest' });
  card?.focus();
}

/** The words of the field; what stands for figures is put in by itself. */
function words(trans: TranslationBundle): typeof WORDS {
  return {
    label: trans.__('Model'),
    models: trans.__('Models'),
    placeholder: trans.__('a part of a name'),
    reading: trans.__('Reading models'),
    clear: trans.__('Empty the field'),
    count: trans.__('%1 of %2 models', '%1', '%2'),
    all: trans.__('all'),
    running: trans.__('running'),
    starting: trans.__('starting'),
    onDisk: trans.__('on disk'),
    toDownload: trans.__('to download'),
    attach: trans.__('Attach'),
    sharedBy: trans.__('shared by %1', '%1'),
    called: trans.__('as %1', '%1'),
    room: trans.__('room for %1 users', '%1'),
    unknownSize: trans.__('size not known'),
    hint: trans.__('Choose a model to see whether it fits.'),
    hintCounts: trans.__('%1 running · %2 on disk · %3 in all', '%1', '%2', '%3'),
    none: trans.__('No model of that name.'),
    nearest: trans.__('No model of that name. Nearest:'),
    lookUp: trans.__('A full name, owner/name, is looked up on the Hub with Enter.'),
    offline: trans.__('Offline: models on disk only.'),
    keys: trans.__('Enter chooses or attaches, Esc closes'),
    order: trans.__('running, on disk, then FITS, TIGHT, NO')
  };
}
