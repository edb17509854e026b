/**
 * One model field: a line to type in, and the models below it with what each would be here.
 *
 * The panel shows it as an anywidget (the default export), the sidebar mounts it by `createPicker`.
 * It knows neither: it is given rows in their order, and says what was chosen. Names and reasons
 * come from files and other users: they are set as text, never as HTML.
 */

/** The words of the field; who translates gives others. %1, %2 stand for figures and names. */
export const WORDS = {
  label: 'Model',
  models: 'Models',
  placeholder: 'a part of a name',
  reading: 'Reading models',
  clear: 'Empty the field',
  count: '%1 of %2 models',
  all: 'all',
  running: 'running',
  starting: 'starting',
  onDisk: 'on disk',
  toDownload: 'to download',
  attach: 'Attach',
  sharedBy: 'shared by %1',
  called: 'as %1',
  room: 'room for %1 users',
  unknownSize: 'size not known',
  hint: 'Choose a model to see whether it fits.',
  hintCounts: '%1 running · %2 on disk · %3 in all',
  none: 'No model of that name.',
  nearest: 'No model of that name. Nearest:',
  lookUp: 'A full name, owner/name, is looked up on the Hub with Enter.',
  offline: 'Offline: models on disk only.',
  keys: 'Enter chooses or attaches, Esc closes',
  order: 'running, on disk, then FITS, TIGHT, NO'
};

const STANDINGS = ['running', 'on disk', 'to download'];
/** What is a tag and a filter, in this order; what nothing here does is left out. */
const TAGS = ['chat', 'tools', 'vision', 'audio', 'embed', 'rerank', 'classify', 'speech'];
const NEAREST = 3;
/** How many letters of a name's end stay when there is no room for all of it. */
const TAIL = 9;
const SHAPES = {
  FITS: ['disc', 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z', 'M4.6 8.2l2.3 2.3 4.4-4.8'],
  TIGHT: ['triangle', 'M8 1.5L15.5 14.5H.5z', 'M8 6v4M8 11.6v1.2'],
  NO: ['square', 'M2 2h12v12H2z', 'M5 5l6 6M11 5l-6 6'],
  running: ['disc', 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2z', ''],
  starting: ['half', 'M8 2a6 6 0 0 0 0 12z', 'M8 2a6 6 0 0 1 0 12'],
  glass: ['glass', '', 'M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2zM10.8 10.8L14.5 14.5']
};
let made = 0;

/** The rows whose name has all pieces, in any order and case. */
export function matching(models, text) {
  const pieces = split(text);
  return models.filter(({ model }) => pieces.every(piece => model.toLowerCase().includes(piece)));
}

/** At most three rows whose names are nearest to what was typed, those on disk first. */
export function nearest(models, text) {
  const wanted = split(text).join('-');
  const far = Math.max(2, Math.ceil(wanted.length / 2));
  return models
    .map(row => ({ row, far: distance(wanted, row.model.toLowerCase()) }))
    .filter(one => wanted.length > 2 && one.far <= far)
    .sort((a, b) => a.far - b.far || Number(b.row.on_disk) - Number(a.row.on_disk))
    .slice(0, NEAREST)
    .map(one => one.row);
}

/**
 * The fewest changes from what was typed to a name, without its owner or with it; that a name goes
 * on behind costs less than a wrong letter.
 */
function distance(typed, name) {
  const last = name.slice(name.indexOf('/') + 1);
  return Math.min(...[name, last].map(one => edits(typed, one)));
}

function edits(typed, name) {
  const width = name.length + 1;
  let row = Array.from({ length: width }, (_, at) => at);
  for (let at = 1; at <= typed.length; at += 1) {
    const next = [at];
    for (let to = 1; to < width; to += 1) {
      const changed = row[to - 1] + (typed[at - 1] === name[to - 1] ? 0 : 1);
      next.push(Math.min(changed, row[to] + 1, next[to - 1] + 1));
    }
    row = next;
  }
  return Math.min(...row.map((cost, to) => cost + (name.length - to) / 8));
}

function split(text) {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}

/** GiB with one decimal, MiB for what is less than a tenth of one. */
export function size(gib) {
  const [value, unit] = gib < 0.1 ? [gib * 1024, 'MiB'] : [gib, 'GiB'];
  return `${value.toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} ${unit}`;
}

/**
 * Put a model field into `host`.
 *
 * @param host the element that it fills.
 * @param on what is called: `choose(model, isAnother)`, where '' is none, and `attach(server)`.
 * @returns `show` draws a state, `focus` takes the focus, `destroy` takes all away.
 */
export function createPicker(host, on, words = WORDS) {
  return new Picker(host, on, words);
}

class Picker {
  constructor(host, on, words) {
    this.on = on;
    this.words = words;
    this.id = `aim-pick-${(made += 1)}`;
    this.state = { models: null, chosen: '', offline: false, about: '' };
    this.typed = null;
    this.filter = '';
    this.order = [];
    this.rows = [];
    this.marked = -1;
    this.isOpen = false;
    this.build(host);
    this.draw();
  }

  // -- what others call -----------------------------------------------------------------------

  show(state) {
    this.state = { ...this.state, ...state };
    this.draw();
  }

  focus() {
    this.input.focus();
  }

  destroy() {
    this.root.remove();
  }

  // -- what is there --------------------------------------------------------------------------

  build(host) {
    const { id, words } = this;
    this.input = element('input', 'aim-Pick-input', {
      ...{ id: `${id}-input`, type: 'text', role: 'combobox', autocomplete: 'off' },
      ...{ spellcheck: 'false', placeholder: words.placeholder, 'aria-autocomplete': 'list' },
      'aria-controls': `${id}-list`
    });
    const label = element('label', 'aim-Pick-label', { for: `${id}-input` }, words.label);
    this.count = element('span', 'aim-Pick-count');
    this.clear = element(
      'button',
      'aim-Pick-clear',
      { type: 'button', 'aria-label': words.clear, title: words.clear },
      '×'
    );
    const field = element('div', 'aim-Pick-field', {}, glyph('glass'), this.input, this.clear);
    this.filters = element('div', 'aim-Pick-filters', { role: 'group', 'aria-label': words.models });
    this.list = element('div', 'aim-Pick-list', {
      id: `${id}-list`,
      role: 'listbox',
      'aria-label': words.models
    });
    this.above = element('div', 'aim-Pick-above');
    this.below = element('div', 'aim-Pick-below');
    this.aloud = element('div', 'aim-Pick-aloud', { role: 'status', 'aria-live': 'polite' });
    const parts = [label, field, this.count, this.filters, this.above, this.list, this.below];
    const grid = element('div', 'aim-Pick-grid', {}, ...parts);
    this.root = element('div', 'aim-Pick', {}, grid, this.aloud);
    host.append(this.root);
    this.listen();
  }

  listen() {
    this.input.addEventListener('input', () => {
      this.typed = this.input.value;
      this.open();
      this.mark(this.typed.trim() && this.rows.length > 0 ? 0 : -1);
      this.say();
    });
    this.input.addEventListener('click', () => {
      this.open();
    });
    this.input.addEventListener('focus', () => {
      this.input.select();
    });
    this.input.addEventListener('blur', () => {
      this.close();
    });
    this.input.addEventListener('keydown', event => {
      this.key(event);
    });
    // JupyterLab's own shortcuts are none of the field's.
    this.root.addEventListener('keyup', event => {
      event.stopPropagation();
    });
    for (const part of [this.list, this.filters, this.clear]) {
      // Else the field would lose the focus, and with it the list.
      part.addEventListener('mousedown', event => {
        event.preventDefault();
      });
    }
    this.list.addEventListener('click', event => {
      const option = event.target.closest('[role=option]');
      if (option !== null) {
        this.take(this.rows[Number(option.dataset.at)], event.shiftKey);
      }
    });
    this.clear.addEventListener('click', () => {
      this.typed = null;
      this.on.choose('', false);
      this.input.focus();
    });
  }

  key(event) {
    event.stopPropagation();
    const last = this.rows.length - 1;
    const to = { ArrowDown: this.marked + 1, ArrowUp: this.marked - 1, Home: 0, End: last };
    if (event.key === 'Enter') {
      event.preventDefault();
      this.enter(event.shiftKey);
    } else if (event.key === 'Escape') {
      this.close();
    } else if (event.key in to && (this.isOpen || event.key.startsWith('Arrow'))) {
      event.preventDefault();
      const wasOpen = this.isOpen;
      this.open();
      const chosen = this.rows.findIndex(row => row.model === this.state.chosen);
      const next = wasOpen || chosen < 0 ? to[event.key] : chosen;
      this.mark(Math.min(Math.max(next, 0), this.rows.length - 1));
    }
  }

  /** Take what is marked; else what was typed, where that may be a name that no list has. */
  enter(isAnother) {
    const typed = (this.typed ?? '').trim();
    const isName = /^[~./]|^[^\s/]+\/[^\s/]+$/.test(typed);
    const hits = this.found().length;
    if (this.isOpen && this.rows[this.marked] && !(isName && hits === 0)) {
      this.take(this.rows[this.marked], isAnother);
    } else if (isName) {
      this.take({ model: typed, server: null }, isAnother);
    } else {
      this.open();
    }
  }

  take(row, isAnother) {
    this.close();
    if (row.server && !isAnother) {
      this.on.attach(row.server);
    } else {
      this.on.choose(row.model, Boolean(row.server));
    }
  }

  open() {
    if (!this.isOpen) {
      this.isOpen = true;
      this.filter = '';
      // A row never moves while the list is open.
      this.order = (this.state.models ?? []).map(({ model }) => model);
    }
    this.draw();
  }

  close() {
    this.isOpen = false;
    this.typed = null;
    this.marked = -1;
    this.draw();
  }

  mark(at) {
    this.marked = at;
    const options = [...this.list.querySelectorAll('[role=option]')];
    options.forEach((option, index) => {
      option.setAttribute('aria-selected', String(index === at));
    });
    const option = options[at];
    if (option) {
      this.input.setAttribute('aria-activedescendant', option.id);
      option.scrollIntoView?.({ block: 'nearest' });
    } else {
      this.input.removeAttribute('aria-activedescendant');
    }
  }

  say() {
    const { words } = this;
    const total = this.state.models?.length ?? 0;
    this.aloud.textContent = filled(words.count, this.found().length, total);
  }

  // -- what is shown --------------------------------------------------------------------------

  /** The models in the order that they have had since the list was opened. */
  listed() {
    const models = this.state.models ?? [];
    if (!this.isOpen) {
      return models;
    }
    const place = new Map(this.order.map((name, at) => [name, at]));
    const at = row => place.get(row.model) ?? place.size;
    return [...models].sort((a, b) => at(a) - at(b));
  }

  found() {
    const typed = matching(this.listed(), this.typed ?? '');
    return this.filter ? typed.filter(row => row.does.includes(this.filter)) : typed;
  }

  draw() {
    const { state, words } = this;
    const typed = this.typed ?? state.chosen;
    if (this.input.value !== typed) {
      this.input.value = typed;
    }
    this.input.setAttribute('aria-expanded', String(this.isOpen));
    this.clear.hidden = typed === '';
    const total = state.models?.length ?? 0;
    const found = this.found();
    this.count.textContent =
      this.isOpen && state.models !== null ? filled(words.count, found.length, total) : '';
    this.drawFilters();
    this.list.hidden = !this.isOpen;
    this.rows = [];
    this.list.replaceChildren(...(this.isOpen ? this.groups(found) : []));
    const isNone = this.isOpen && state.models !== null && found.length === 0;
    this.above.replaceChildren(...(isNone ? [note(this.missing())] : []));
    this.below.replaceChildren(...this.notes(isNone));
    this.mark(Math.min(this.marked, this.rows.length - 1));
  }

  drawFilters() {
    const typed = matching(this.state.models ?? [], this.typed ?? '');
    const does = new Set((this.state.models ?? []).flatMap(row => row.does));
    const names = TAGS.filter(tag => does.has(tag));
    const buttons = (names.length > 0 && this.isOpen ? ['', ...names] : []).map(name => {
      const count = name ? typed.filter(row => row.does.includes(name)).length : typed.length;
      const button = element(
        'button',
        'aim-Pick-filter',
        { type: 'button', tabindex: '-1', 'aria-pressed': String(this.filter === name) },
        `${name || this.words.all} ${count}`
      );
      button.disabled = count === 0;
      button.addEventListener('click', () => {
        this.filter = name;
        this.draw();
        this.say();
      });
      return button;
    });
    this.filters.replaceChildren(...buttons);
    this.filters.hidden = buttons.length === 0;
  }

  groups(found) {
    const { words } = this;
    const titles = [words.running, words.onDisk, words.toDownload];
    const known = new Map();
    this.listed().forEach(({ model }) => {
      const last = lastPart(model);
      known.set(last, (known.get(last) ?? 0) + 1);
    });
    if (found.length === 0) {
      return this.nearestRows(known);
    }
    return STANDINGS.flatMap((standing, at) => {
      const rows = found.filter(row => row.standing === standing);
      if (rows.length === 0) {
        return [];
      }
      const id = `${this.id}-${at}`;
      const about = this.rows.length === 0 ? this.state.about : '';
      const head = element(
        'div',
        'aim-Pick-head',
        { id, role: 'presentation' },
        element('span', '', {}, titles[at]),
        element('span', 'aim-Pick-about', {}, about)
      );
      const options = rows.map(row => this.option(row, known));
      return [element('div', '', { role: 'group', 'aria-labelledby': id }, head, ...options)];
    });
  }

  nearestRows(known) {
    if (!(this.typed ?? '').trim()) {
      return [];
    }
    return nearest(this.listed(), this.typed).map(row => this.option(row, known));
  }

  missing() {
    return this.rows.length > 0 ? this.words.nearest : this.words.none;
  }

  notes(isNone) {
    const { state, words } = this;
    if (state.models === null) {
      return [note(words.reading)];
    }
    const offline = state.offline ? [note(words.offline, 'aim-is-care')] : [];
    if (!this.isOpen) {
      return state.chosen ? offline : [note(words.hint), note(this.counts()), ...offline];
    }
    if (isNone) {
      return [note(words.lookUp), ...offline];
    }
    const keys = element('span', '', {}, words.keys);
    const order = element('span', 'aim-Pick-about', {}, words.order);
    return [element('div', 'aim-Pick-foot', {}, keys, order), ...offline];
  }

  counts() {
    const { models } = this.state;
    const running = models.filter(row => row.standing === 'running').length;
    const here = models.filter(row => row.on_disk).length;
    return filled(this.words.hintCounts, running, here, models.length);
  }

  option(row, known) {
    const at = this.rows.push(row) - 1;
    const { words } = this;
    const right = row.server ? this.serving(row) : this.chip(row);
    const onDisk = row.on_disk ? element('span', 'aim-Pick-here', {}, words.onDisk) : '';
    const isAlike = (known.get(lastPart(row.model)) ?? 0) > 1;
    const name = element('span', 'aim-Pick-name', { title: row.model });
    name.append(...named(row.model, this.typed ?? '', isAlike));
    const done = TAGS.filter(tag => row.does.includes(tag));
    // Where there is little room it stands below the state.
    const attach = row.server
      ? [element('span', 'aim-Pick-attach aim-Pick-narrow', {}, words.attach)]
      : [];
    const tags = done.map(tag => element('span', 'aim-Pick-tag', {}, tag));
    return element(
      'div',
      row.model === this.state.chosen ? 'aim-Pick-row aim-is-chosen' : 'aim-Pick-row',
      { id: `${this.id}-row-${at}`, role: 'option', 'data-at': String(at), 'aria-selected': 'false' },
      element('div', 'aim-Pick-line', {}, name, onDisk, element('span', 'aim-Pick-end', {}, ...right)),
      element(
        'div',
        'aim-Pick-line aim-Pick-facts',
        {},
        element('span', 'aim-Pick-sum', { title: row.reason ?? '' }, ...this.facts(row)),
        element('span', 'aim-Pick-end', {}, ...tags, ...attach)
      )
    );
  }

  serving(row) {
    const { words } = this;
    const state = row.state === 'starting' ? 'starting' : 'running';
    const said = row.shared_by
      ? [
          element('span', 'aim-Pick-wide', {}, `${words[state]}, `),
          filled(words.sharedBy, row.shared_by)
        ]
      : [words[state]];
    const spelled = element('span', '', {}, ...said);
    return [
      element('span', 'aim-Pick-state', {}, glyph(state), spelled),
      element('span', 'aim-Pick-attach aim-Pick-wide', {}, words.attach)
    ];
  }

  chip(row) {
    if (!row.verdict) {
      return [];
    }
    const kind = `aim-Pick-chip aim-is-${row.verdict.toLowerCase()}`;
    return [element('span', kind, {}, glyph(row.verdict), row.verdict)];
  }

  facts(row) {
    const { words } = this;
    const gib = row.weights_gib;
    const sum = [gib === null || gib === undefined ? words.unknownSize : size(gib)];
    const lesser = [];
    if (row.precision) {
      lesser.push(row.precision);
    }
    const where = row.server ? row.gpus : row.gpus_needed;
    const place = row.server ? `GPU ${where}` : `${where} ${where === 1 ? 'GPU' : 'GPUs'}`;
    const said = [];
    if (row.server) {
      const room = row.users_fit ? `, ${filled(words.room, Math.floor(row.users_fit))}` : '';
      said.push(filled(words.called, row.server) + room);
    } else if (row.reason) {
      said.push(row.reason);
    }
    const dotted = parts => parts.map(part => ` · ${part}`).join('');
    return [
      ...sum,
      element('span', 'aim-Pick-wide', {}, dotted(lesser)),
      where ? dotted([place]) : '',
      element('span', 'aim-Pick-wide', {}, dotted(said))
    ];
  }
}

function lastPart(name) {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** A name with what was typed marked in it; its middle goes first where there is no room. */
function named(name, typed, isAlike) {
  const begin = name.length - lastPart(name).length;
  const marks = new Array(name.length).fill(false);
  let isOwnerMarked = false;
  for (const piece of split(typed)) {
    const folded = name.toLowerCase();
    const inLast = folded.indexOf(piece, begin) >= 0;
    isOwnerMarked ||= !inLast;
    for (let at = folded.indexOf(piece, inLast ? begin : 0); at >= 0; ) {
      marks.fill(true, at, at + piece.length);
      at = folded.indexOf(piece, at + piece.length);
    }
  }
  const isNeeded = isAlike || isOwnerMarked ? 'aim-Pick-owner' : 'aim-Pick-owner aim-Pick-wide';
  const cut = Math.max(begin, name.length - TAIL);
  return [
    element('span', isNeeded, {}, ...marked(name, marks, 0, begin)),
    element('span', 'aim-Pick-start', {}, ...marked(name, marks, begin, cut)),
    element('span', 'aim-Pick-tail', {}, ...marked(name, marks, cut, name.length))
  ];
}

function marked(name, marks, from, to) {
  const parts = [];
  for (let at = from; at < to; ) {
    let end = at + 1;
    while (end < to && marks[end] === marks[at]) {
      end += 1;
    }
    const text = name.slice(at, end);
    parts.push(marks[at] ? element('b', '', {}, text) : text);
    at = end;
  }
  return parts;
}

function note(text, kind = '') {
  return element('div', `aim-Pick-note ${kind}`, {}, text);
}

function filled(text, ...values) {
  return values.reduce((said, value, at) => said.replace(`%${at + 1}`, String(value)), text);
}

function element(tag, kind, attributes = {}, ...children) {
  const made = document.createElement(tag);
  if (kind) {
    made.className = kind;
  }
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children.filter(child => child !== ''));
  return made;
}

function glyph(name) {
  const [kind, fill, stroke] = SHAPES[name];
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', `aim-Pick-glyph aim-is-${kind}`);
  for (const [shape, part] of [
    [fill, 'fill'],
    [stroke, 'stroke']
  ]) {
    if (shape) {
      const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
      path.setAttribute('d', shape);
      path.setAttribute('class', `aim-Pick-${part}`);
      svg.append(path);
    }
  }
  return svg;
}

/** The field as an anywidget: what it shows is one trait, what was chosen are messages. */
function render({ model, el }) {
  const picker = createPicker(el, {
    choose: (name, isAnother) => {
      model.send({ do: 'choose', model: name, another: isAnother });
    },
    attach: server => {
      model.send({ do: 'attach', server });
    }
  });
  const show = () => {
    picker.show(model.get('shown'));
  };
  show();
  model.on('change:shown', show);
  return () => {
    model.off('change:shown', show);
    picker.destroy();
  };
}

export default { render };
