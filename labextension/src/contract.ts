/**
 * What the REST below `aim/` answers. Rows have the names of the DataFrame columns, whose suffix
 * is their unit; what is not known is null.
 */

import type { IPickable } from '../../aim_jupyter/panel/static/picker.js';

export type State = 'starting' | 'running' | 'stopping' | 'stopped' | 'failed' | 'unknown';
export type GpuState = 'free' | 'busy' | 'unexplained' | 'hidden';
export type Verdict = 'FITS' | 'TIGHT' | 'NO';

/** A row of `%aim gpus`, and whether the reader holds it and can open it. */
export interface IGpu {
  gpu: number | null;
  pci: string | null;
  model: string | null;
  state: GpuState | null;
  vram_gib: number | null;
  vram_used_gib: number | null;
  holder: string | null;
  server: string | null;
  lease_age_s: number | null;
  reason: string | null;
  mine: boolean;
}

/** One stage of a start. */
export interface IStage {
  stage: string;
  state: 'done' | 'active' | 'failed' | 'waiting';
  took_s: number | null;
  expected_s: number | null;
  detail: string;
}

/** A row of `%aim metrics`, as far as it is shown here. */
export interface ISample {
  gen_tok_s: number | null;
  kv_used_pct: number | null;
  ttft_p50_ms: number | null;
}

/** Why a server ended that nobody stopped. */
export interface ICrash {
  what: string;
  line: string;
  line_number: number | null;
  cause: string;
  try_line: string;
  cleaned_up: string;
}

/** The evidence of it: what led to the decisive line, and what else failed without deciding. */
export interface IExplanation {
  cause: string;
  evidence: string[];
  ruled_out: string[];
}

/** A row of `%aim ps`, with its start, its figures and its end. */
export interface IServer {
  server: string;
  state: State;
  stage: string | null;
  model: string | null;
  recipe: string | null;
  gpus: string | null;
  endpoint: string | null;
  uptime_s: number | null;
  eta_s: number | null;
  idle_s: number | null;
  idle_left_s: number | null;
  started_at: string | null;
  reason: string | null;
  fraction: number | null;
  stages: IStage[];
  sample: ISample | null;
  history: { gen_tok_s: (number | null)[] };
  crash: ICrash | null;
  can_stop: boolean;
  shared_by: string | null;
  client_code: string;
  running_requests: number | null;
  /** Whether any request was made since it is ready. */
  was_asked: boolean;
}

/** A map over a table that runs now, in whatever process; `left` is said in words. */
export interface IMap {
  run: string;
  state: 'first rows' | 'running' | 'waiting';
  servers: string[];
  rows: number;
  done: number;
  failed: number;
  rows_s: number | null;
  left: string;
}

export interface ICache {
  models: number;
  size_gib: number | null;
  free_gib: number | null;
  in_use: number;
  incomplete: number;
}

/** `GET status`: all that the sidebar shows. */
export interface IStatus {
  at: string;
  host: string;
  user: string | null;
  version: string;
  engine: { name: string; version: string | null; platform: string | null } | null;
  gpus: IGpu[];
  servers: IServer[];
  maps: IMap[];
  cache: ICache | null;
  next: string[];
}

/** `GET models`: what can be named in a launch, in the order of the list. */
export interface IModels {
  models: IPickable[];
  /** The model that the form opens with. */
  suggested: string;
  /** Whether the user's own setting forbids to ask the Hub. */
  offline: boolean;
}

/** A row of `%aim recipes`. Memory is per GPU. */
export interface IRecipe {
  rank: number;
  recipe: string;
  model: string;
  verdict: Verdict;
  reason: string | null;
  gpus: string | null;
  tp: number | null;
  weights_gib: number | null;
  kv_gib: number | null;
  kv_need_gib: number | null;
  overhead_gib: number | null;
  overhead_low_gib: number | null;
  overhead_high_gib: number | null;
  spare_gib: number | null;
  users: number | null;
  context_tokens: number | null;
  manual_only: boolean | null;
  try_line: string | null;
}

/** What a launch or a plan is asked for: the words of `%aim launch`. */
export interface IRequest {
  model: string;
  recipe?: string;
  users?: number;
  context?: number;
  gpus?: string;
  name?: string;
  /** Beside a server that is the same. */
  new?: boolean;
}

/** `POST plan`: what a launch would start; `line` is the shortest that gives the same. */
export interface IPlan {
  line: string;
  server: string;
  verdict: Verdict;
  reason: string;
  eta_s: number | null;
}
