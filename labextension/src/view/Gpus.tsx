import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IGpu, IServer } from '../contract';
import { age, gib } from '../words';
import { useLaunch, useSidebar } from './context';
import { Glyph, gpuGlyph } from './glyphs';
import { Bar, Button, Fitting, Notice, Skeleton } from './parts';

const DEMO = { model: 'demo' };
const DOCTOR = '%aim doctor';

/** What the head of the section says: how many are free, of what. */
export function GpusAside({ gpus }: { gpus: IGpu[] }): React.ReactElement {
  const { trans } = useSidebar();
  if (gpus.length === 0) {
    return <>{trans.__('none')}</>;
  }
  if (isClosed(gpus)) {
    return <>{trans.__('no access')}</>;
  }
  const free = gpus.filter(gpu => gpu.state === 'free').length;
  const models = [...new Set(gpus.map(gpu => gpu.model ?? trans.__('AMD GPU')))].join(', ');
  return (
    <>
      <Fitting
        wide={trans.__('%1 free of %2', free, gpus.length)}
        narrow={trans.__('%1 free', free)}
      />
      {` · ${models}`}
    </>
  );
}

/** Whether there are GPUs and this user can open none of them. */
export function isClosed(gpus: IGpu[]): boolean {
  return gpus.length > 0 && gpus.every(gpu => gpu.state === null || isRefused(gpu));
}

function isRefused(gpu: IGpu): boolean {
  return /permission denied|denied by|is missing/.test(gpu.reason ?? '');
}

export function Gpus({ gpus, servers }: { gpus: IGpu[]; servers: IServer[] }): React.ReactElement {
  if (gpus.length === 0) {
    return <NoGpu hasDemo={servers.some(isDemo)} />;
  }
  return (
    <>
      {isClosed(gpus) && <NoAccess gpus={gpus} />}
      <ul className="aim-Gpus">
        {gpus.map((gpu, at) => (
          <Gpu gpu={gpu} key={gpu.pci ?? at} />
        ))}
      </ul>
      <Legend gpus={gpus} />
    </>
  );
}

export function GpusReading(): React.ReactElement {
  const { trans } = useSidebar();
  const widths = [12, 18, 15, 19, 13, 20, 14, 16];
  return (
    <>
      <Skeleton rows={widths.map(width => [3, 54, width])} />
      <p className="aim-Note">{trans.__('Reading GPUs')}</p>
    </>
  );
}

function Gpu({ gpu }: { gpu: IGpu }): React.ReactElement {
  const { trans } = useSidebar();
  const state = gpu.state ?? 'unknown';
  const whose = gpu.mine ? 'aim-yours' : 'aim-others';
  const words = holder(trans, gpu);
  const held = gpu.state === 'busy' && gpu.lease_age_s !== null ? age(gpu.lease_age_s) : '';
  return (
    <li className={`aim-Gpu aim-is-${state}`} title={gpuTitle(trans, gpu)}>
      <strong>{gpu.gpu ?? '–'}</strong>
      <Bar
        className={gpu.state === 'unexplained' ? 'aim-care' : whose}
        part={gpu.vram_used_gib ?? 0}
        whole={gpu.vram_gib ?? 0}
        label={barLabel(trans, gpu, words)}
      />
      <span className="aim-Gpu-used aim-wide" aria-hidden="true">
        {gpu.state === 'hidden' ? '' : gib(gpu.vram_used_gib)}
      </span>
      <Glyph {...gpuGlyph(gpu)} />
      <span className="aim-Gpu-holder">
        {words}
        {held && <span className="aim-wide">{` · ${held}`}</span>}
      </span>
    </li>
  );
}

function holder(trans: TranslationBundle, gpu: IGpu): string {
  switch (gpu.state) {
    case 'busy':
      return gpu.mine ? trans.__('you') : (gpu.holder ?? trans.__('busy'));
    case 'free':
      return trans.__('free');
    case 'unexplained':
      return trans.__('unexplained');
    case 'hidden':
      return trans.__('hidden');
    case null:
      return trans.__('unknown');
  }
}

function barLabel(trans: TranslationBundle, gpu: IGpu, words: string): string {
  const name = gpu.gpu === null ? (gpu.pci ?? '–') : `GPU ${gpu.gpu}`;
  if (gpu.state === 'hidden') {
    return trans.__('%1: %2 GiB, hidden', name, gib(gpu.vram_gib));
  }
  const used = gib(gpu.vram_used_gib);
  return trans.__('%1: %2 of %3 GiB used, %4', name, used, gib(gpu.vram_gib), words);
}

function gpuTitle(trans: TranslationBundle, gpu: IGpu): string {
  const server = gpu.server === null ? null : trans.__('server %1', gpu.server);
  return [gpu.model, gpu.pci, server, gpu.reason].filter(Boolean).join(' · ');
}

function Legend({ gpus }: { gpus: IGpu[] }): React.ReactElement {
  const { trans } = useSidebar();
  const sizes = [...new Set(gpus.map(gpu => gpu.vram_gib))];
  const size = sizes.length === 1 ? (sizes[0] ?? null) : null;
  return (
    <p className="aim-Note">
      {size === null ? trans.__('VRAM used, GiB') : trans.__('VRAM used of %1 GiB each', gib(size))}
      <span className="aim-wide">{trans.__('; holder and age of lease')}</span>
    </p>
  );
}

/** The newcomer's way: one click, and the real engine runs on the processor. */
function NoGpu({ hasDemo }: { hasDemo: boolean }): React.ReactElement {
  const { trans, actions } = useSidebar();
  const [isLaunching, launch] = useLaunch();
  const copy = (): void => {
    actions.copy('%aim launch');
  };
  return (
    <>
      <p>{trans.__('This machine has no AMD GPU device.')}</p>
      <p className="aim-soft">
        {trans.__('The CPU demo runs a small model on the real engine, in under 2 GiB of memory.')}
      </p>
      {!hasDemo && (
        <div className="aim-Buttons">
          <Button
            isPrimary
            isDisabled={isLaunching}
            onClick={() => {
              launch(DEMO);
            }}
          >
            {trans.__('Launch CPU demo')}
          </Button>
          <Button label={trans.__('Copy as magic')} onClick={copy}>
            <Fitting wide={trans.__('Copy as magic')} narrow={trans.__('Copy')} />
          </Button>
        </div>
      )}
    </>
  );
}

function isDemo({ model, state }: IServer): boolean {
  return model === DEMO.model && state !== 'failed';
}

function NoAccess({ gpus }: { gpus: IGpu[] }): React.ReactElement {
  const { trans, actions } = useSidebar();
  return (
    <>
      <Notice
        shape="cross"
        role="bad"
        found={trans._n(
          '%1 GPU found, it can not be opened: %2.',
          '%1 GPUs found, none can be opened: %2.',
          gpus.length,
          gpus[0]?.reason ?? trans.__('no reason is known')
        )}
        toDo={trans.__('What mends it:')}
      >
        <code className="aim-Code">{DOCTOR}</code>
      </Notice>
      <div className="aim-Buttons">
        <Button onClick={actions.refresh}>{trans.__('Check again')}</Button>
        <Button
          onClick={() => {
            actions.copy(DOCTOR);
          }}
        >
          {trans.__('Copy as magic')}
        </Button>
      </div>
    </>
  );
}
