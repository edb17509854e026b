import * as React from 'react';

import type { IGpu, State, Verdict } from '../contract';

export type Shape = 'tick' | 'cross' | 'triangle' | 'diamond' | 'disc' | 'half' | 'ring' | 'dashed';
export type Role = 'yours' | 'good' | 'care' | 'bad' | 'others';

const DRAWN: Record<Shape, React.ReactElement> = {
  tick: (
    <>
      <circle cx="7" cy="7" r="6" className="aim-fill" />
      <path d="M3.8 7.2 6.1 9.4 10.2 4.9" className="aim-paper" />
    </>
  ),
  cross: (
    <>
      <rect x="1" y="1" width="12" height="12" rx="1.5" className="aim-fill" />
      <path d="M4.6 4.6 9.4 9.4M9.4 4.6 4.6 9.4" className="aim-paper" />
    </>
  ),
  triangle: (
    <>
      <path d="M7 1 13.5 12.5H.5Z" className="aim-fill" />
      <path d="M7 5V8.6M7 10V11.2" className="aim-paper" />
    </>
  ),
  diamond: (
    <>
      <path d="M7 .9 13.1 7 7 13.1.9 7Z" className="aim-line" />
      <path d="M7 4.2V7.6M7 9V10" className="aim-line" />
    </>
  ),
  disc: <circle cx="7" cy="7" r="4.5" className="aim-fill" />,
  half: (
    <>
      <circle cx="7" cy="7" r="5" className="aim-line" />
      <path d="M7 2A5 5 0 0 1 7 12Z" className="aim-fill" />
    </>
  ),
  ring: <circle cx="7" cy="7" r="4.2" className="aim-line" />,
  dashed: <circle cx="7" cy="7" r="5" className="aim-line" strokeDasharray="2 1.9" />
};

/** A shape of 14 px. Its word stands beside it: screen readers do not see the shape. */
export function Glyph({ shape, role }: { shape: Shape; role: Role }): React.ReactElement {
  return (
    <svg className={`aim-Glyph aim-${role}`} viewBox="0 0 14 14" aria-hidden="true">
      {DRAWN[shape]}
    </svg>
  );
}

export const STATES: Record<State, { shape: Shape; role: Role }> = {
  starting: { shape: 'half', role: 'yours' },
  running: { shape: 'disc', role: 'good' },
  stopping: { shape: 'half', role: 'others' },
  stopped: { shape: 'ring', role: 'others' },
  failed: { shape: 'cross', role: 'bad' },
  unknown: { shape: 'dashed', role: 'others' }
};

export const VERDICTS: Record<Verdict, { shape: Shape; role: Role }> = {
  FITS: { shape: 'tick', role: 'good' },
  TIGHT: { shape: 'triangle', role: 'care' },
  NO: { shape: 'cross', role: 'bad' }
};

export function gpuGlyph(gpu: IGpu): { shape: Shape; role: Role } {
  switch (gpu.state) {
    case 'free':
      return { shape: 'ring', role: 'good' };
    case 'busy':
      return { shape: 'disc', role: gpu.mine ? 'yours' : 'others' };
    case 'unexplained':
      return { shape: 'diamond', role: 'care' };
    default:
      return { shape: 'dashed', role: 'others' };
  }
}
