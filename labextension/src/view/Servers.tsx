import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IExplanation, IServer } from '../contract';
import { stateWord } from '../telling';
import { age, duration, limit, whole } from '../words';
import { useLaunch, useSidebar } from './context';
import { Glyph, STATES } from './glyphs';
import { Button, Fitting, Progress, Skeleton, Spark } from './parts';
import { TryIt } from './TryIt';

/** Those worth a place: what lives, what failed, and what is not known; the latest first. */
export function shown(servers: IServer[]): IServer[] {
  const order = ['starting', 'running', 'stopping', 'unknown', 'failed'];
  return servers
    .filter(server => order.includes(server.state))
    .sort((one, other) => {
      const rank = order.indexOf(one.state) - order.indexOf(other.state);
      return rank || (other.started_at ?? '').localeCompare(one.started_at ?? '');
    });
}

export function ServersAside({ servers }: { servers: IServer[] }): React.ReactElement {
  const { trans } = useSidebar();
  const failed = servers.filter(server => server.state === 'failed').length;
  const others = servers.length - failed;
  const parts = [
    ...(others || !failed ? [String(others)] : []),
    ...(failed ? [trans.__('%1 failed', failed)] : [])
  ];
  return <>{parts.join(' · ')}</>;
}

/** The id of a server's card, for who turns to it. */
export function cardId(server: string): string {
  return `aim-server-${server}`;
}

/** The servers; where Jupyter has not answered for a while, no more is known than their names. */
export function Servers(props: { servers: IServer[]; isOld: boolean }): React.ReactElement {
  const { trans } = useSidebar();
  if (props.servers.length === 0) {
    return (
      <p className="aim-soft">
        {trans.__(
          'None running. A server you launch here or from a notebook shows up in this list.'
        )}
      </p>
    );
  }
  return (
    <ul className="aim-Servers">
      {props.servers.map(server => (
        <li
          key={`${server.server} ${server.started_at}`}
          id={cardId(server.server)}
          aria-label={server.server}
          tabIndex={-1}
        >
          {props.isOld && server.state !== 'failed' ? (
            <Forgotten server={server} />
          ) : (
            <Server server={server} />
          )}
        </li>
      ))}
    </ul>
  );
}

export function ServersReading(): React.ReactElement {
  return <Skeleton rows={[[60], [86], [40]]} />;
}

function Server({ server }: { server: IServer }): React.ReactElement {
  switch (server.state) {
    case 'starting':
      return <Starting server={server} />;
    case 'running':
      return <Running server={server} />;
    case 'failed':
      return <Failed server={server} />;
    default:
      return <Other server={server} />;
  }
}

function Title(props: { server: IServer; state?: string }): React.ReactElement {
  const { trans } = useSidebar();
  const { server } = props;
  const where = server.gpus === null ? trans.__('CPU') : `GPU ${server.gpus}`;
  return (
    <div className="aim-Server-title" title={[server.model, server.recipe].join(' · ')}>
      <Glyph {...STATES[server.state]} />
      <strong>{server.server}</strong>
      <span className="aim-soft">
        {props.state ?? `${stateWord(trans, server.state)} · ${where}`}
        {server.shared_by !== null && ` · ${trans.__('shared by %1', server.shared_by)}`}
      </span>
    </div>
  );
}

/** What is kept of a server while nobody answers: never "stopped", which is not known. */
function Forgotten({ server }: { server: IServer }): React.ReactElement {
  const { trans } = useSidebar();
  return (
    <Title
      server={{ ...server, state: 'unknown' }}
      state={trans.__('unknown · was %1', stateWord(trans, server.state))}
    />
  );
}

function Starting({ server }: { server: IServer }): React.ReactElement {
  const { trans } = useSidebar();
  const at = server.stages.findIndex(stage => stage.state === 'active');
  const stage = server.stages[at];
  const name = stage?.stage ?? trans.__('preparing');
  // What is left of a stage stands on the right, for the whole start.
  const detail = (stage?.detail ?? '').split(' · ').filter(part => !part.startsWith('about '));
  const place = stage ? trans.__('%1 of %2', at + 1, server.stages.length) : '';
  const spoken = [name, ...detail].filter(Boolean).join(', ');
  return (
    <>
      <Title server={server} />
      <Progress fraction={far(server, at)} text={spoken} label={server.server} />
      <div className="aim-Server-stage">
        <span>
          <strong>{name}</strong> <span className="aim-soft">{place}</span>
          {detail.filter(Boolean).map(part => (
            <span className="aim-soft aim-wide" key={part}>{` · ${part}`}</span>
          ))}
        </span>
        <span className="aim-soft">{left(trans, server)}</span>
      </div>
      <Actions server={server} />
    </>
  );
}

/** How far a start is: by time where an earlier one tells, else by its stages. */
function far(server: IServer, at: number): number | null {
  return server.fraction ?? (at > 0 ? at / server.stages.length : null);
}

function left(trans: TranslationBundle, server: IServer): string {
  if (server.eta_s !== null && server.eta_s >= 1) {
    return trans.__('about %1 left', duration(server.eta_s));
  }
  return server.started_at === null ? '' : trans.__('%1 so far', since(server.started_at));
}

function since(at: string): string {
  return duration((Date.now() - new Date(at).getTime()) / 1000);
}

function Running({ server }: { server: IServer }): React.ReactElement {
  const { trans } = useSidebar();
  const sample = server.sample;
  const figures = [
    { value: whole(sample?.gen_tok_s ?? null, 'tok/s'), name: trans.__('output') },
    { value: `KV ${whole(sample?.kv_used_pct ?? null, '%')}`, name: trans.__('in use') },
    { value: whole(sample?.ttft_p50_ms ?? null, 'ms'), name: trans.__('first token') }
  ];
  return (
    <>
      <Title server={server} />
      <dl className="aim-Figures">
        {figures.map(figure => (
          <div key={figure.name}>
            <dt>{figure.name}</dt>
            <dd>{figure.value}</dd>
          </div>
        ))}
      </dl>
      <Spark values={server.history.gen_tok_s} />
      <p className="aim-Note">
        <Idle server={server} />
      </p>
      {server.endpoint !== null && (
        <code className="aim-Endpoint" title={trans.__('For programs on this machine')}>
          {server.endpoint}
        </code>
      )}
      <Actions server={server} />
      <TryIt server={server.server} />
    </>
  );
}

/** When it was used last, and when it will stop for that. */
function Idle({ server }: { server: IServer }): React.ReactElement {
  const { trans } = useSidebar();
  const running = server.running_requests ?? 0;
  if (running > 0) {
    return <>{trans._n('%1 request is running', '%1 requests are running', running)}</>;
  }
  const { idle_s: idle, idle_left_s: stops } = server;
  const then = stops === null ? trans.__('no idle limit') : trans.__('stops in %1', limit(stops));
  if (!server.was_asked) {
    return <>{`${trans.__('No request yet')} · ${then}`}</>;
  }
  if (idle === null) {
    return <>{then}</>;
  }
  const ago = age(idle);
  return (
    <>
      <Fitting wide={trans.__('Last request %1 ago', ago)} narrow={trans.__('Idle %1', ago)} />
      {` · ${then}`}
    </>
  );
}

function Failed({ server }: { server: IServer }): React.ReactElement {
  const { trans, actions } = useSidebar();
  const [isTold, setTold] = React.useState(false);
  const { crash } = server;
  const took = server.stages.reduce((sum, stage) => sum + (stage.took_s ?? 0), 0);
  const where = server.stage === null ? trans.__('failed') : trans.__('failed in %1', server.stage);
  const id = React.useId();
  return (
    <>
      <Title server={server} state={took >= 1 ? `${where} · ${duration(took)}` : where} />
      <p>{crash?.what ?? server.reason}</p>
      {crash !== null && <p className="aim-soft">{crash.cause}</p>}
      {isTold && crash !== null && <Why server={server.server} crash={crash} id={id} />}
      <div className="aim-Buttons">
        <Launch server={server} />
        {crash !== null && (
          <button
            type="button"
            className="aim-Button"
            aria-expanded={isTold}
            aria-controls={isTold ? id : undefined}
            onClick={() => {
              setTold(!isTold);
            }}
          >
            {trans.__('Why')}
          </button>
        )}
        <Button
          onClick={() => {
            actions.logs(server.server);
          }}
        >
          {trans.__('Logs')}
        </Button>
        {server.shared_by === null && (
          <Button
            isApart
            label={trans.__('Forget %1', server.server)}
            title={trans.__('Take it off the lists, with its log')}
            onClick={() => {
              actions.forget(server.server);
            }}
          >
            {trans.__('Forget')}
          </Button>
        )}
      </div>
    </>
  );
}

/** The same launch once more, from its own words. */
function Launch({ server }: { server: IServer }): React.ReactElement | null {
  const { trans } = useSidebar();
  const [isLaunching, launch] = useLaunch();
  const { model, recipe } = server;
  if (model === null) {
    return null;
  }
  const again = (): void => {
    launch({ model, ...(recipe !== null && { recipe }) });
  };
  return (
    <Button isDisabled={isLaunching} onClick={again}>
      {trans.__('Launch again')}
    </Button>
  );
}

function Why(props: {
  server: string;
  crash: NonNullable<IServer['crash']>;
  id: string;
}): React.ReactElement {
  const { trans, actions } = useSidebar();
  const { crash } = props;
  const ruledOut = useExplanation(props.server)?.ruled_out ?? [];
  const line =
    crash.line_number === null
      ? trans.__('Decisive line')
      : trans.__('Decisive line, %1 of the log', whole(crash.line_number));
  return (
    <div className="aim-Why" id={props.id}>
      {crash.line && (
        <>
          <p className="aim-Note">{line}</p>
          <code className="aim-Code aim-bad">{crash.line}</code>
        </>
      )}
      {ruledOut.length > 0 && (
        <>
          <p className="aim-Note">{trans.__('Ruled out')}</p>
          {ruledOut.map(each => (
            <p className="aim-soft" key={each}>
              {each}
            </p>
          ))}
        </>
      )}
      {crash.try_line && (
        <>
          <p className="aim-Note">{trans.__('Try')}</p>
          <code className="aim-Code">{crash.try_line}</code>
          <Button
            onClick={() => {
              actions.copy(crash.try_line);
            }}
          >
            {trans.__('Copy as magic')}
          </Button>
        </>
      )}
      {crash.cleaned_up && <p className="aim-Note">{crash.cleaned_up}</p>}
    </div>
  );
}

/** What was found in a server's log beside its card; null until it is there, or where it is not. */
function useExplanation(server: string): IExplanation | null {
  const { site } = useSidebar();
  const [found, setFound] = React.useState<IExplanation | null>(null);
  React.useEffect(() => {
    let isGone = false;
    void site.api
      .why(server)
      .catch(() => null)
      .then(answer => {
        if (!isGone) {
          setFound(answer);
        }
      });
    return () => {
      isGone = true;
    };
  }, [site, server]);
  return found;
}

function Other({ server }: { server: IServer }): React.ReactElement {
  return (
    <>
      <Title server={server} />
      {server.reason && <p className="aim-soft">{server.reason}</p>}
      <Actions server={server} />
    </>
  );
}

/** What can be done with a server; to stop it stands apart. */
function Actions({ server }: { server: IServer }): React.ReactElement {
  const { trans, actions } = useSidebar();
  const name = server.server;
  const isRunning = server.state === 'running';
  const canInsert = actions.canInsert();
  return (
    <div className="aim-Buttons">
      {isRunning && (
        <>
          <Button
            label={trans.__('Insert client of %1', name)}
            isDisabled={!canInsert}
            title={
              canInsert ? trans.__('Into the current notebook') : trans.__('No notebook is open')
            }
            onClick={() => {
              actions.insertClient(name);
            }}
          >
            <Fitting wide={trans.__('Insert client')} narrow={trans.__('Client')} />
          </Button>
          <Button
            label={trans.__('Copy client code of %1', name)}
            title={trans.__('Copy client code')}
            onClick={() => {
              actions.copyClient(name);
            }}
          >
            {trans.__('Copy')}
          </Button>
        </>
      )}
      <Button
        label={trans.__('Logs of %1', name)}
        onClick={() => {
          actions.logs(name);
        }}
      >
        {trans.__('Logs')}
      </Button>
      {server.can_stop && server.state !== 'stopping' && (
        <Button
          isApart
          label={trans.__('Stop %1', name)}
          onClick={() => {
            actions.stop(name);
          }}
        >
          {trans.__('Stop')}
        </Button>
      )}
    </div>
  );
}
