import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IRecipe } from '../contract';
import { gib } from '../words';
import { useSidebar } from './context';

/** What a verdict was summed from, in GiB per GPU. */
interface ISum {
  total: number;
  weights: number;
  kv: number;
  need: number;
  low: number;
  high: number;
}

/** The sum behind a verdict, null where a part of it is not known. */
export function sum(recipe: IRecipe, total: number | null): ISum | null {
  const { weights_gib: weights, kv_gib: kv, kv_need_gib: need, overhead_gib: overhead } = recipe;
  if (total === null || weights === null || kv === null || need === null || overhead === null) {
    return null;
  }
  return {
    total,
    weights,
    kv,
    need,
    low: recipe.overhead_low_gib ?? overhead,
    high: recipe.overhead_high_gib ?? overhead
  };
}

/** The memory of one GPU as a bar, with a line below it as long as the need. */
export function FitBar({ recipe, total }: { recipe: IRecipe; total: number | null }) {
  const { trans } = useSidebar();
  const known = sum(recipe, total);
  if (known === null) {
    return null;
  }
  const covered = Math.min(known.need, known.kv);
  const parts = [
    { kind: 'weights', size: known.weights },
    { kind: 'kv', size: covered },
    { kind: 'spare', size: Math.max(0, known.kv - known.need) },
    { kind: 'overhead', size: known.low },
    { kind: 'band', size: known.high - known.low }
  ];
  const need = [
    { kind: 'gap', size: known.weights },
    { kind: 'need', size: covered },
    { kind: 'short', size: Math.max(0, known.need - known.kv) }
  ];
  return (
    <div role="img" aria-label={label(trans, recipe, known)}>
      <Parts className="aim-Fit" parts={parts} total={known.total} />
      <Parts className="aim-Need" parts={need} total={known.total} />
    </div>
  );
}

interface IPartsProps {
  className: string;
  parts: { kind: string; size: number }[];
  total: number;
}

function Parts({ className, parts, total }: IPartsProps): React.ReactElement {
  return (
    <div className={className}>
      {parts
        .filter(part => part.size > 0)
        .map(({ kind, size }) => (
          <span
            key={kind}
            className={`aim-Fit-${kind}`}
            style={{ width: `${(100 * size) / total}%` }}
          />
        ))}
    </div>
  );
}

function label(trans: TranslationBundle, recipe: IRecipe, known: ISum): string {
  const parts = trans.__(
    '%1: weights %2, KV cache %3, overhead %4 of %5 GiB',
    recipe.recipe,
    gib(known.weights),
    gib(known.kv),
    gib(recipe.overhead_gib),
    gib(known.total)
  );
  return `${parts}; ${outcome(trans, recipe, known.total)}`;
}

/** What comes of the sum: so much to spare, or so much short; else why it is refused. */
export function outcome(trans: TranslationBundle, recipe: IRecipe, total: number | null): string {
  const spare = recipe.spare_gib;
  const other = recipe.verdict === 'NO' && spare !== null && spare >= 0;
  if (spare === null || total === null || other) {
    return recipe.reason ?? '';
  }
  return spare < 0
    ? trans.__('%1 GiB short', gib(-spare))
    : trans.__('%1 GiB to spare', gib(spare));
}
