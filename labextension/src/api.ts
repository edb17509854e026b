import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { IExplanation, IModels, IPlan, IRecipe, IRequest, IServer, IStatus } from './contract';
import { harmless } from './harmless';

/**
 * An expected failure, as the core words it: what was found, and what to do.
 */
export class Failure extends Error {
  constructor(
    readonly kind: string,
    readonly found: string,
    readonly toDo: string,
    readonly status: number
  ) {
    super(found);
    this.name = kind;
  }

  /** Whether Jupyter itself has no such route: its extension is not there, or not enabled. */
  get isAbsent(): boolean {
    return this.status === 404 && this.kind === 'NotFound';
  }
}

/**
 * The REST of aim_jupyter in Jupyter Server. Each call rejects with a `Failure` where the server
 * has answered, and with the connection's own error where it has not.
 */
export class Api {
  constructor(settings: ServerConnection.ISettings = ServerConnection.makeSettings()) {
    this._settings = settings;
  }

  async status(): Promise<IStatus> {
    return this._ask<IStatus>('GET', ['status']);
  }

  /** The models that can be launched, with what each would be for these users and this context. */
  async models(request: Partial<IRequest>): Promise<IModels> {
    const query = { users: request.users, context: request.context };
    return this._ask<IModels>('GET', ['models'], { query });
  }

  /** The recipes of a model in their order, or the best one of each model. */
  async recipes(request: Partial<IRequest>): Promise<IRecipe[]> {
    const query = { model: request.model, users: request.users, context: request.context };
    return (await this._ask<{ rows: IRecipe[] }>('GET', ['recipes'], { query })).rows;
  }

  async plan(request: IRequest): Promise<IPlan> {
    return this._ask<IPlan>('POST', ['plan'], { body: request });
  }

  async launch(request: IRequest): Promise<IServer> {
    return this._ask<IServer>('POST', ['servers'], { body: request });
  }

  async stop(server: string): Promise<void> {
    await this._ask('DELETE', ['servers', server]);
  }

  /** Take an ended server off the lists, with its log. */
  async forget(server: string): Promise<void> {
    await this._ask('DELETE', ['servers', server], { query: { forget: 1 } });
  }

  async logs(server: string, lines: number): Promise<string[]> {
    const path = ['servers', server, 'logs'];
    return (await this._ask<{ lines: string[] }>('GET', path, { query: { lines } })).lines;
  }

  /** Why a server ended, read from its log anew. */
  async why(server: string): Promise<IExplanation> {
    return this._ask<IExplanation>('GET', ['servers', server, 'why']);
  }

  /** Ask a server, and give the chunks of its reply as they come. */
  async *chat(
    server: string,
    prompt: string,
    mostTokens: number,
    signal: AbortSignal
  ): AsyncGenerator<unknown, void> {
    const path = ['aim', 'servers', encodeURIComponent(server), 'v1/chat/completions'];
    const body = JSON.stringify({
      model: 'default',
      messages: [{ role: 'user', content: prompt }],
      max_tokens: mostTokens,
      stream: true,
      stream_options: { include_usage: true }
    });
    const headers = { 'Content-Type': 'application/json' };
    const url = URLExt.join(this._settings.baseUrl, ...path);
    // With `no-store`, JupyterLab adds a query to the address, which goes on to the engine.
    const init: RequestInit = { method: 'POST', body, headers, signal, cache: 'default' };
    const response = await ServerConnection.makeRequest(url, init, this._settings);
    if (!response.ok || response.body === null) {
      throw refusal(response, await parsed(response));
    }
    yield* events(response.body);
  }

  private async _ask<T>(method: string, path: string[], more: IMore = {}): Promise<T> {
    const parts = path.map(part => encodeURIComponent(part));
    const url = URLExt.join(this._settings.baseUrl, 'aim', ...parts) + query(more.query);
    const init: RequestInit = { method };
    if (more.body) {
      init.body = JSON.stringify(more.body);
    }
    const response = await ServerConnection.makeRequest(url, init, this._settings);
    const answer = await parsed(response);
    if (!response.ok) {
      throw failure(response, answer);
    }
    return answer as T;
  }

  private readonly _settings: ServerConnection.ISettings;
}

interface IMore {
  query?: Record<string, string | number | undefined>;
  body?: object;
}

function query(given: IMore['query']): string {
  const known = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  return URLExt.objectToQueryString(Object.fromEntries(known));
}

/** The answer's JSON, its texts as they may be shown; null for an empty one, or one that is not JSON: a proxy's own page. */
async function parsed(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return text ? JSON.parse(text, shown) : null;
  } catch {
    return null;
  }
}

function shown(_: string, value: unknown): unknown {
  return typeof value === 'string' ? harmless(value) : value;
}

/** The data of server-sent events, each as JSON. */
async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let left = '';
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (left + decoder.decode(value, { stream: !done })).split('\n');
    left = lines.pop() ?? '';
    for (const line of lines) {
      const data = line.startsWith('data:') ? line.slice(5).trim() : '';
      if (data && data !== '[DONE]') {
        yield JSON.parse(data);
      }
    }
    if (done) {
      return;
    }
  }
}

/** A refusal as OpenAI's clients read it: its message holds what to do as well. */
function refusal(response: Response, answer: unknown): Failure {
  const { error } = (answer ?? {}) as { error?: { message?: string; type?: string } };
  const [found = '', toDo = ''] = (error?.message ?? '').split(' Try: ');
  const told = { error: error?.type, found: found || undefined, to_do: toDo };
  return failure(response, told);
}

function failure(response: Response, answer: unknown): Failure {
  const said = (answer ?? {}) as { error?: string; found?: string; to_do?: string };
  const phrase = response.statusText.replace(/ /g, '') || `Http${response.status}`;
  return new Failure(
    said.error ?? phrase,
    said.found ?? `Jupyter answered ${response.status} ${response.statusText}`.trim() + '.',
    said.to_do ?? '',
    response.status
  );
}
