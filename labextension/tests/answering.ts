import { ServerConnection } from '@jupyterlab/services';

import { Api } from '../src/api';
import type { IModels, IPlan, IRecipe, IStatus } from '../src/contract';
import failedJson from './fixtures/failed.json';
import modelsJson from './fixtures/models.json';
import nodeJson from './fixtures/node.json';
import planJson from './fixtures/plan.json';
import recipesJson from './fixtures/recipes.json';

/** What the REST answers on a node with eight GPUs; figures and names are invented. */
export const node = nodeJson as unknown as IStatus;
export const failed = failedJson as unknown as IStatus;
export const models = modelsJson as unknown as IModels;
export const recipes = recipesJson as unknown as { rows: IRecipe[] };
export const plan = planJson as unknown as IPlan;

/** A machine without GPUs, servers or models. */
export const empty: IStatus = { ...node, gpus: [], servers: [], maps: [], cache: null };

/** What is answered, by method and path: a status other than 200 as a pair, null for no answer. */
export type Answers = Record<string, unknown>;

export interface IAsked {
  method: string;
  path: string;
  query: Record<string, string>;
  body: unknown;
}

export const ALL: Answers = {
  'GET status': node,
  'GET models': models,
  'GET recipes': recipes,
  'POST plan': plan
};

/** The real client of the REST over a network that is not there; and what it was asked. */
export function answering(answers: Answers): { api: Api; asked: IAsked[]; answers: Answers } {
  const asked: IAsked[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const path = url.pathname.replace('/hub/aim/', '');
    const text = await request.text();
    asked.push({
      method: request.method,
      path,
      query: Object.fromEntries(url.searchParams),
      body: text ? JSON.parse(text) : null
    });
    const answer = answers[`${request.method} ${path}`];
    if (answer === null) {
      throw new TypeError('Failed to fetch');
    }
    const [status, body] = Array.isArray(answer) ? (answer as [number, unknown]) : [200, answer];
    return new Response(body === undefined ? '' : JSON.stringify(body), { status });
  };
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://node.test/hub/',
    fetch: fetch as typeof globalThis.fetch
  });
  return { api: new Api(settings), asked, answers };
}

/** An expected failure as the server words it. */
export function refusal(status: number, error: string, found: string, toDo: string): unknown {
  return [status, { error, found, to_do: toDo }];
}
