import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Api } from './api';
import { Failure } from './api';
import type { IModels, IPlan, IRecipe, IRequest } from './contract';

/** How long a figure has to stand before it is asked about, in ms. */
const TYPING_MS = 400;

/**
 * The launch form, without its looks: what is chosen, and what the core says to that.
 *
 * Answers can come in another order than their questions: one to a choice that has been changed
 * since is dropped.
 */
export class Form implements IDisposable {
  constructor(private readonly _api: Api) {}

  /** What can be named; null before it was read. */
  known: IModels | null = null;
  /** '' where none is chosen. */
  model = '';
  /** Whether it is to run beside a server that has it. */
  isAnother = false;
  users: number | null = null;
  context: number | null = null;
  recipes: IRecipe[] = [];
  recipe: IRecipe | null = null;
  plan: IPlan | null = null;
  failure: Failure | null = null;
  /** Whether an answer is awaited. */
  isAsking = false;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What a launch is asked for: what was chosen, and nothing else. */
  get request(): IRequest {
    const chosen = this.recipe && this.recipe !== this.recipes[0] ? this.recipe.recipe : null;
    return {
      model: this.model,
      ...(this.isAnother && { new: true }),
      ...(chosen !== null && { recipe: chosen }),
      ...(this.users !== null && { users: this.users }),
      ...(this.context !== null && { context: this.context })
    };
  }

  /** Read the list of models, and choose the one that is of use here; once. */
  async open(): Promise<void> {
    if (this.known !== null || this.isAsking) {
      return;
    }
    await this._turn(async isCurrent => {
      const known = await this._api.models({});
      if (isCurrent()) {
        this.known = known;
        this.model = known.suggested;
        this._changed.emit();
        await this._answer(isCurrent);
      }
    });
  }

  /** Read the list of models anew: what runs has changed. */
  async refresh(): Promise<void> {
    if (this.known !== null) {
      this.known = await this._api.models(this.request).catch(() => this.known);
      this._changed.emit();
    }
  }

  /** Choose a model, '' for none; `isAnother` is to run beside a server that has it. */
  async chooseModel(model: string, isAnother = false): Promise<void> {
    this.model = model;
    this.isAnother = isAnother;
    this.recipes = [];
    this.recipe = null;
    await this._ask();
  }

  /** After a launch: nothing is chosen, so that a second click starts nothing. */
  async launched(model: string): Promise<void> {
    if (model === this.model) {
      await this.chooseModel('');
    }
    await this.refresh();
  }

  async chooseRecipe(recipe: string): Promise<void> {
    this.recipe = this.recipes.find(one => one.recipe === recipe) ?? null;
    await this._turn(isCurrent => this._plan(isCurrent));
  }

  setUsers(users: number | null): void {
    this.users = users;
    this._later();
  }

  setContext(context: number | null): void {
    this.context = context;
    this._later();
  }

  /** Ask for the focus; who draws the form takes it. */
  call(): void {
    this._isCalled = true;
    this._changed.emit();
  }

  /** Whether the focus was asked for, and nobody has taken it yet. */
  takeCall(): boolean {
    const wasCalled = this._isCalled;
    this._isCalled = false;
    return wasCalled;
  }

  /** Show what a launch was refused for. */
  refused(failure: Failure): void {
    this.failure = failure;
    this._changed.emit();
  }

  get isDisposed(): boolean {
    return this._typing.isDisposed;
  }

  dispose(): void {
    this._typing.dispose();
    this._asked += 1;
    Signal.clearData(this);
  }

  private _later(): void {
    this._changed.emit();
    this._typing.invoke().catch(() => undefined);
  }

  private async _ask(): Promise<void> {
    await this._turn(isCurrent => this._answer(isCurrent));
  }

  private async _askAnew(): Promise<void> {
    await Promise.all([this._ask(), this.refresh()]);
  }

  /** Run one question; what it leaves is kept only if no later one was begun. */
  private async _turn(question: (isCurrent: () => boolean) => Promise<void>): Promise<void> {
    const mine = ++this._asked;
    const isCurrent = (): boolean => mine === this._asked;
    this.plan = null;
    this.failure = null;
    this.isAsking = true;
    this._changed.emit();
    try {
      await question(isCurrent);
    } catch (error) {
      if (isCurrent()) {
        // Without an answer at all the whole sidebar says so.
        this.failure = error instanceof Failure ? error : null;
      }
    }
    if (isCurrent()) {
      this.isAsking = false;
      this._changed.emit();
    }
  }

  private async _answer(isCurrent: () => boolean): Promise<void> {
    if (!this.model) {
      return;
    }
    const rows = await this._api.recipes(this.request);
    if (isCurrent()) {
      const before = this.recipe?.recipe;
      this.recipes = rows;
      this.recipe = rows.find(one => one.recipe === before) ?? rows[0] ?? null;
      // The verdict stands before the Hub is asked where the weights come from.
      this._changed.emit();
      await this._plan(isCurrent);
    }
  }

  private async _plan(isCurrent: () => boolean): Promise<void> {
    if (this.recipe === null || this.recipe.verdict === 'NO') {
      return;
    }
    const plan = await this._api.plan(this.request);
    if (isCurrent()) {
      this.plan = plan;
    }
  }

  private _asked = 0;
  private _isCalled = false;
  private readonly _typing = new Debouncer<void, void>(() => this._askAnew(), TYPING_MS);
  private readonly _changed = new Signal<this, void>(this);
}
