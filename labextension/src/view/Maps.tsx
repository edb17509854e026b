import * as React from 'react';

import type { IMap } from '../contract';
import { whole } from '../words';
import { useSidebar } from './context';
import { Bar } from './parts';

/** The maps over tables that run now: they go on without the notebook that has begun them. */
export function Maps({ maps }: { maps: IMap[] }): React.ReactElement {
  return (
    <ul className="aim-Maps">
      {maps.map(map => (
        <Map key={map.run} map={map} />
      ))}
    </ul>
  );
}

function Map({ map }: { map: IMap }): React.ReactElement {
  const { trans } = useSidebar();
  const done = trans.__('%1 of %2 rows', whole(map.done), whole(map.rows));
  return (
    <li>
      <div className="aim-Map-title">
        <strong>{map.run}</strong>
        <span className="aim-soft">{map.servers.join(', ')}</span>
      </div>
      <Bar
        part={map.done + map.failed}
        whole={Math.max(1, map.rows)}
        label={`${map.run}: ${done}`}
      />
      <div className="aim-soft">
        {[
          done,
          map.failed > 0 && trans.__('%1 failed', whole(map.failed)),
          map.rows_s !== null && trans.__('%1 rows/s', map.rows_s.toFixed(1)),
          map.left
        ]
          .filter(Boolean)
          .join(' · ')}
      </div>
    </li>
  );
}
