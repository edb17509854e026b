import { refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IStatus } from '../contract';
import type { IChange, Site } from '../site';
import { changeWords } from '../telling';
import { age, clock } from '../words';
import { Cache, CacheAside, CacheReading } from './Cache';
import { useSidebar } from './context';
import { Gpus, GpusAside, GpusReading, isClosed } from './Gpus';
import { Launch } from './Launch';
import { Maps } from './Maps';
import { FailureNotice, Notice, Section } from './parts';
import { Servers, ServersAside, ServersReading, shown } from './Servers';

/** A name, the same in all languages. */
const NAME = 'aim';

type Part = 'gpus' | 'servers' | 'maps' | 'launch' | 'cache';
/** The sections that the user has opened or closed; for the others what is known decides. */
export type Opened = Partial<Record<Part, boolean>>;

export interface ISidebarProps {
  opened: Opened;
  setOpened: (opened: Opened) => void;
}

export function Sidebar({ opened, setOpened }: ISidebarProps): React.ReactElement {
  const { site, trans } = useSidebar();
  useChanges();
  const { status, connection } = site;
  const isUsable = status !== null && status.gpus.length > 0 && !isClosed(status.gpus);
  const isOpen = (part: Part): boolean =>
    opened[part] ?? (part === 'gpus' || part === 'servers' || part === 'maps' || isUsable);
  const section = (part: Part) => ({
    isOpen: isOpen(part),
    toggle: () => {
      setOpened({ ...opened, [part]: !isOpen(part) });
    }
  });
  const reading = trans.__('reading');
  const servers = shown(status?.servers ?? []);
  return (
    <>
      <Head />
      {connection === 'lost' && <Lost />}
      {site.failure !== null && <Refused />}
      {(status !== null || site.failure === null) && (
        <div className={site.isOld ? 'aim-Sections aim-is-old' : 'aim-Sections'}>
          <Section
            {...section('gpus')}
            title={trans.__('GPUs')}
            aside={status === null ? reading : <GpusHead status={status} />}
          >
            {status === null ? <GpusReading /> : <Gpus gpus={status.gpus} servers={servers} />}
          </Section>
          <Section {...section('servers')} title={trans.__('Servers')} aside={<ServersHead />}>
            {status === null ? (
              <ServersReading />
            ) : (
              <Servers servers={servers} isOld={site.isOld} />
            )}
          </Section>
          {status !== null && status.maps.length > 0 && (
            <Section {...section('maps')} title={trans.__('Maps')} aside={status.maps.length}>
              <Maps maps={status.maps} />
            </Section>
          )}
          <Section {...section('launch')} title={trans.__('Launch')}>
            <Launch gpus={status?.gpus ?? []} />
          </Section>
          <Section
            {...section('cache')}
            title={trans.__('Cache')}
            aside={status === null ? reading : <CacheAside cache={status.cache} />}
          >
            {status === null ? <CacheReading /> : <Cache cache={status.cache} />}
          </Section>
        </div>
      )}
      <Aloud />
    </>
  );
}

/** Draw again when the machine, the form or what the buttons can do has changed. */
function useChanges(): void {
  const { site, form } = useSidebar();
  const [, draw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    const again = (): void => {
      draw();
    };
    site.changed.connect(again);
    form.changed.connect(again);
    return () => {
      site.changed.disconnect(again);
      form.changed.disconnect(again);
    };
  }, [site, form]);
}

function Head(): React.ReactElement {
  const { site, actions, trans } = useSidebar();
  const { status } = site;
  const engine = status?.engine ?? null;
  return (
    <div className="aim-Head">
      <span className="aim-Mark" aria-hidden="true" />
      <h2>{NAME}</h2>
      <span className="aim-soft aim-Head-host">{status?.host}</span>
      {engine !== null && (
        <span className="aim-soft aim-wide" title={engine.platform ?? ''}>
          {[engine.name, engine.version].filter(Boolean).join(' ')}
        </span>
      )}
      <button
        type="button"
        className="aim-Refresh"
        title={trans.__('Refresh')}
        aria-label={trans.__('Refresh')}
        onClick={actions.refresh}
      >
        <refreshIcon.react tag="span" width="16px" />
      </button>
    </div>
  );
}

function GpusHead({ status }: { status: IStatus }): React.ReactElement {
  const { site } = useSidebar();
  return site.isOld ? <ReadAgo /> : <GpusAside gpus={status.gpus} />;
}

function ReadAgo(): React.ReactElement {
  const { site, trans } = useSidebar();
  const now = useNow();
  const seconds = (now - (site.readAt?.getTime() ?? now)) / 1000;
  return <>{trans.__('read %1 ago', age(seconds))}</>;
}

function ServersHead(): React.ReactElement {
  const { site, trans } = useSidebar();
  if (site.status === null) {
    return <>{trans.__('reading')}</>;
  }
  const servers = shown(site.status.servers);
  if (site.isOld && servers.length > 0) {
    return <>{trans.__('state unknown')}</>;
  }
  return <ServersAside servers={servers} />;
}

/** Jupyter does not answer: since when, what that means, and when it is tried again. */
function Lost(): React.ReactElement {
  const { site, actions, trans } = useSidebar();
  const now = useNow();
  const wait = Math.max(0, Math.round((site.nextAt.getTime() - now) / 1000));
  const since =
    site.readAt === null
      ? trans.__('Jupyter does not answer.')
      : trans.__('Jupyter has not answered since %1.', clock(site.readAt));
  return (
    <div className="aim-Lost">
      <Notice
        shape="triangle"
        role="care"
        found={<span role="status">{since}</span>}
        toDo={
          <>
            {trans.__('Servers keep running. Next try in %1 s.', wait)}{' '}
            <button type="button" className="aim-Link" onClick={actions.refresh}>
              {trans.__('Try now')}
            </button>
          </>
        }
      />
    </div>
  );
}

/** The time, once in a second. */
function useNow(): number {
  const [now, setNow] = React.useState(() => Date.now());
  React.useEffect(() => {
    const timer = window.setInterval(() => {
      setNow(Date.now());
    }, 1000);
    return () => {
      window.clearInterval(timer);
    };
  }, []);
  return now;
}

/** Jupyter answers, but can't say: its extension is missing, or the state can't be read. */
function Refused(): React.ReactElement | null {
  const { site, trans } = useSidebar();
  const { failure } = site;
  if (failure === null) {
    return null;
  }
  const [found, toDo] = failure.isAbsent
    ? [
        trans.__('The server extension of aim_jupyter is not enabled in this Jupyter.'),
        'jupyter server extension enable aim_jupyter'
      ]
    : [failure.found, failure.toDo];
  return (
    <div className="aim-Refused">
      <FailureNotice found={found} toDo={toDo} />
    </div>
  );
}

/** Says what became of a server, to who does not see it; ticks are not said. */
function Aloud(): React.ReactElement {
  const { site, trans } = useSidebar();
  const [words, setWords] = React.useState('');
  React.useEffect(() => {
    const say = (_: Site, { server }: IChange): void => {
      setWords(changeWords(trans, server));
    };
    site.serverChanged.connect(say);
    return () => {
      site.serverChanged.disconnect(say);
    };
  }, [site, trans]);
  return (
    <div className="aim-Aloud" role="status" aria-live="polite">
      {words}
    </div>
  );
}
