import * as React from 'react';

import { gib } from '../words';
import type { Role, Shape } from './glyphs';
import { Glyph } from './glyphs';

/** Words of which a wide sidebar shows the first and a narrow one the second. */
export function Fitting(props: { wide: React.ReactNode; narrow: React.ReactNode }) {
  return (
    <>
      <span className="aim-wide">{props.wide}</span>
      <span className="aim-narrow">{props.narrow}</span>
    </>
  );
}

interface ISectionProps {
  title: string;
  /** What the head says on its right, also when the section is closed. */
  aside?: React.ReactNode;
  isOpen: boolean;
  toggle: () => void;
  children: React.ReactNode;
}

/** A part of the sidebar that can be closed. */
export function Section(props: ISectionProps): React.ReactElement {
  const id = React.useId();
  return (
    <section className="aim-Section">
      <h3 className="aim-Section-head">
        <button
          type="button"
          aria-expanded={props.isOpen}
          aria-controls={props.isOpen ? id : undefined}
          onClick={props.toggle}
        >
          <span className="aim-Caret" aria-hidden="true" />
          <span className="aim-Section-title">{props.title}</span>
          <span className="aim-Section-aside">{props.aside}</span>
        </button>
      </h3>
      {props.isOpen && (
        <div className="aim-Section-body" id={id}>
          {props.children}
        </div>
      )}
    </section>
  );
}

interface INoticeProps {
  shape: Shape;
  role: Role;
  found: React.ReactNode;
  toDo?: React.ReactNode;
  children?: React.ReactNode;
}

/** Two lines: what was found, and what to do. */
export function Notice(props: INoticeProps): React.ReactElement {
  return (
    <div className="aim-Notice">
      <Glyph shape={props.shape} role={props.role} />
      <div>
        <div>{props.found}</div>
        {props.toDo && <div className="aim-soft">{props.toDo}</div>}
        {props.children}
      </div>
    </div>
  );
}

/** A failure of the core in its own words. */
export function FailureNotice(props: { kind?: string; found: string; toDo: string }) {
  return (
    <div role="alert">
      <Notice shape="cross" role="bad" found={props.found} toDo={<Commands text={props.toDo} />} />
    </div>
  );
}

/** Text in which a command line stands: a line for the notebook or a terminal is one to copy. */
export function Commands({ text }: { text: string }): React.ReactElement {
  const line = /^(%aim|aim-engine|pip|sudo|make|jupyter|export|apt-get)\b/.test(text);
  return line ? <code className="aim-Code">{text}</code> : <>{text}</>;
}

/** A part of a whole, in GiB; `label` says the same in words. */
export function Bar(props: { part: number; whole: number; label: string; className?: string }) {
  const share = props.whole > 0 ? Math.min(1, props.part / props.whole) : 0;
  return (
    <div className={`aim-Bar ${props.className ?? ''}`} role="img" aria-label={props.label}>
      {share > 0 && <span style={{ width: `${100 * share}%` }} />}
    </div>
  );
}

interface IProgressProps {
  /** How far, 0 to 1; null where no earlier start tells. */
  fraction: number | null;
  text: string;
  label: string;
}

export function Progress({ fraction, text, label }: IProgressProps): React.ReactElement {
  const percent = fraction === null ? null : Math.round(100 * Math.min(1, Math.max(0, fraction)));
  return (
    <div
      className="aim-Bar aim-Progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent ?? undefined}
      aria-valuetext={text}
    >
      {percent !== null && <span style={{ width: `${percent}%` }} />}
    </div>
  );
}

const SPARK = { width: 100, height: 20 };

/** A line through what was measured, above its shade; what is not known is left out. */
export function Spark({ values }: { values: (number | null)[] }): React.ReactElement | null {
  const known = values.flatMap((value, at) => (value === null ? [] : [{ value, at }]));
  if (known.length < 2) {
    return null;
  }
  const top = Math.max(...known.map(one => one.value)) || 1;
  const step = SPARK.width / (values.length - 1);
  const points = known.map(({ value, at }) => {
    const y = SPARK.height - 1 - (SPARK.height - 3) * (value / top);
    return { x: (at * step).toFixed(1), y: y.toFixed(1) };
  });
  const line = points.map(({ x, y }) => `${x},${y}`).join(' ');
  const ends = [points.at(-1)?.x, points[0]?.x].map(x => `${x},${SPARK.height}`).join(' ');
  return (
    <svg
      className="aim-Spark"
      viewBox={`0 0 ${SPARK.width} ${SPARK.height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <polygon points={`${line} ${ends}`} />
      <polyline points={line} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}

/** Skeletons of what is being read; they stand still. */
export function Skeleton({ rows }: { rows: number[][] }): React.ReactElement {
  return (
    <div aria-hidden="true">
      {rows.map((widths, at) => (
        <div className="aim-Skeleton" key={at}>
          {widths.map((width, part) => (
            <span key={part} style={{ width: `${width}%` }} />
          ))}
        </div>
      ))}
    </div>
  );
}

/** A figure in GiB of another, such as "0.3 of 192.0 GiB". */
export function of(part: number | null, whole: number | null): string {
  return `${gib(part)} of ${gib(whole)} GiB`;
}

interface IButtonProps {
  onClick: () => void;
  children: React.ReactNode;
  isPrimary?: boolean;
  isApart?: boolean;
  isDisabled?: boolean;
  /** Said where the words on the button are short. */
  label?: string;
  title?: string;
}

/** A button that can be focused also while it does nothing: its title says why. */
export function Button(props: IButtonProps): React.ReactElement {
  const kinds = [
    'aim-Button',
    props.isPrimary ? 'aim-mod-primary' : '',
    props.isApart ? 'aim-mod-apart' : ''
  ];
  return (
    <button
      type="button"
      className={kinds.filter(Boolean).join(' ')}
      aria-disabled={props.isDisabled ?? false}
      aria-label={props.label}
      title={props.title}
      onClick={() => {
        if (!props.isDisabled) {
          props.onClick();
        }
      }}
    >
      {props.children}
    </button>
  );
}
