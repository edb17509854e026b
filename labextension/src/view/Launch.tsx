import * as React from 'react';

import type { Failure } from '../api';
import type { IGpu, IRecipe } from '../contract';
import { duration, gib, whole } from '../words';
import { useLaunch, useSidebar } from './context';
import { FitBar, outcome } from './FitBar';
import { Glyph, VERDICTS } from './glyphs';
import { ModelField } from './ModelField';
import { Button, FailureNotice, Fitting } from './parts';

const CONTEXTS = [2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072];

/** The launch form: the same recipes, verdicts and lines as everywhere. */
export function Launch({ gpus }: { gpus: IGpu[] }): React.ReactElement {
  const { form, trans } = useSidebar();
  React.useEffect(() => {
    void form.open();
  }, [form]);
  return (
    <form
      className="aim-Form"
      aria-label={trans.__('Launch')}
      onSubmit={event => {
        event.preventDefault();
      }}
    >
      <ModelField />
      {form.model !== '' && <Chosen gpus={gpus} />}
      {form.failure !== null && <Refusal failure={form.failure} />}
      <Buttons />
    </form>
  );
}

/** What belongs to a model that is chosen. */
function Chosen({ gpus }: { gpus: IGpu[] }): React.ReactElement {
  return (
    <>
      <div className="aim-Form-pair">
        <UsersField />
        <ContextField />
      </div>
      <RecipeField />
      <Verdict gpus={gpus} />
    </>
  );
}

function Field(props: { label: React.ReactNode; children: React.ReactNode }): React.ReactElement {
  return (
    <label className="aim-Field">
      <span>{props.label}</span>
      {props.children}
    </label>
  );
}

function UsersField(): React.ReactElement {
  const { form, trans } = useSidebar();
  return (
    <Field label={trans.__('Users')}>
      <input
        type="number"
        min={1}
        step={1}
        value={form.users ?? ''}
        placeholder={form.recipe?.users?.toString() ?? trans.__('default')}
        onChange={event => {
          const users = event.target.valueAsNumber;
          form.setUsers(users >= 1 ? Math.floor(users) : null);
        }}
      />
    </Field>
  );
}

function ContextField(): React.ReactElement {
  const { form, trans } = useSidebar();
  const own = form.recipe?.context_tokens ?? null;
  const label = <Fitting wide={trans.__('Context, tokens')} narrow={trans.__('Context')} />;
  return (
    <Field label={label}>
      <select
        value={form.context ?? ''}
        onChange={event => {
          form.setContext(event.target.value === '' ? null : Number(event.target.value));
        }}
      >
        <option value="">
          {own === null || form.context !== null ? trans.__('default') : whole(own)}
        </option>
        {CONTEXTS.map(tokens => (
          <option key={tokens} value={tokens}>
            {whole(tokens)}
          </option>
        ))}
      </select>
    </Field>
  );
}

function RecipeField(): React.ReactElement {
  const { form, trans } = useSidebar();
  return (
    <Field label={trans.__('Recipe')}>
      <select
        value={form.recipe?.recipe ?? ''}
        onChange={event => {
          void form.chooseRecipe(event.target.value);
        }}
      >
        {form.recipes.length === 0 && (
          <option value="">{form.isAsking ? trans.__('Reading recipes') : trans.__('none')}</option>
        )}
        {form.recipes.map(recipe => (
          <option key={recipe.recipe} value={recipe.recipe}>
            {recipeWords(recipe)}
          </option>
        ))}
      </select>
    </Field>
  );
}

function recipeWords(recipe: IRecipe): string {
  const verdict = recipe.verdict === 'FITS' ? '' : ` · ${recipe.verdict}`;
  const where = recipe.gpus === null ? '' : ` · GPU ${recipe.gpus}`;
  return `${recipe.rank} · ${recipe.recipe}${where}${verdict}`;
}

function Verdict({ gpus }: { gpus: IGpu[] }): React.ReactElement | null {
  const { form, trans } = useSidebar();
  const { recipe } = form;
  if (recipe === null) {
    return null;
  }
  const total = memory(recipe, gpus);
  const words = outcome(trans, recipe, total);
  const of = total === null || recipe.spare_gib === null ? '' : trans.__(' of %1', gib(total));
  return (
    <>
      <FitBar recipe={recipe} total={total} />
      <div className="aim-Verdict">
        <span className={`aim-Chip aim-${VERDICTS[recipe.verdict].role}`}>
          <Glyph {...VERDICTS[recipe.verdict]} />
          {recipe.verdict}
        </span>
        <span className="aim-soft" title={recipe.reason ?? ''}>
          {words}
          <span className="aim-wide">{of}</span>
        </span>
      </div>
      {recipe.verdict === 'NO' && recipe.try_line !== null && (
        <code className="aim-Code">{recipe.try_line}</code>
      )}
    </>
  );
}

/** What one of the GPUs has that a recipe is placed on, or would be; null on the processor. */
function memory(recipe: IRecipe, gpus: IGpu[]): number | null {
  const first = recipe.gpus === null ? null : Number(recipe.gpus.split(',')[0]);
  const placed = gpus.find(gpu => gpu.gpu === first) ?? gpus.find(gpu => gpu.gpu !== null);
  return placed?.vram_gib ?? null;
}

function Refusal({ failure }: { failure: Failure }): React.ReactElement {
  return <FailureNotice found={failure.found} toDo={failure.toDo} />;
}

function Buttons(): React.ReactElement {
  const { form, actions, trans } = useSidebar();
  const [isLaunching, launch] = useLaunch();
  const isBlocked = form.model === '' || form.isAsking || form.recipe?.verdict === 'NO';
  const line = form.plan?.line ?? null;
  const copy = (): void => {
    if (line !== null) {
      actions.copy(line);
    }
  };
  const eta = form.plan?.eta_s ?? null;
  return (
    <>
      <div className="aim-Buttons aim-mod-fill">
        <Button
          isPrimary
          isDisabled={isBlocked || isLaunching}
          title={eta === null ? '' : trans.__('Ready in about %1, as last time', duration(eta))}
          onClick={() => {
            launch(form.request);
          }}
        >
          {trans.__('Launch')}
        </Button>
        {form.model === '' ? (
          <span className="aim-soft">{trans.__('no model chosen yet')}</span>
        ) : (
          <Button
            isDisabled={line === null}
            label={trans.__('Copy as magic')}
            title={line ?? ''}
            onClick={copy}
          >
            <Fitting wide={trans.__('Copy as magic')} narrow={trans.__('Copy')} />
          </Button>
        )}
      </div>
    </>
  );
}
