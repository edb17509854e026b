import * as React from 'react';

import type { ICache } from '../contract';
import { disk } from '../words';
import { useSidebar } from './context';
import { Glyph } from './glyphs';
import { Bar, Skeleton } from './parts';

export function CacheAside({ cache }: { cache: ICache | null }): React.ReactElement {
  const { trans } = useSidebar();
  if (cache === null) {
    return <>{trans.__('empty')}</>;
  }
  return (
    <>
      {disk(cache.size_gib)}
      {cache.free_gib !== null && (
        <span className="aim-wide">{` · ${trans.__('%1 free', disk(cache.free_gib))}`}</span>
      )}
    </>
  );
}

export function Cache({ cache }: { cache: ICache | null }): React.ReactElement {
  const { trans } = useSidebar();
  if (cache === null) {
    return <p className="aim-soft">{trans.__('No model is on disk yet.')}</p>;
  }
  const size = cache.size_gib ?? 0;
  const label = trans.__(
    'Cache: %1, %2 free on this disk',
    disk(cache.size_gib),
    disk(cache.free_gib)
  );
  return (
    <>
      <Bar className="aim-others" part={size} whole={size + (cache.free_gib ?? 0)} label={label} />
      <p className="aim-Cache-words">
        {trans._n('%1 model', '%1 models', cache.models)}
        {` · ${trans.__('%1 in use', cache.in_use)}`}
        {cache.incomplete > 0 && (
          <>
            {' · '}
            <Glyph shape="triangle" role="care" />
            {` ${trans.__('%1 incomplete', cache.incomplete)}`}
          </>
        )}
      </p>
    </>
  );
}

export function CacheReading(): React.ReactElement {
  return <Skeleton rows={[[100], [60]]} />;
}
