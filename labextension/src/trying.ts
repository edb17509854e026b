import type { Api } from './api';
import { Failure } from './api';

/** The longest reply, in tokens. */
export const MOST_TOKENS = 512;

/** One reply as far as it has come. Times are in ms. */
export interface IReply {
  text: string;
  state: 'coming' | 'done' | 'stopped' | 'failed';
  firstMs: number | null;
  tokens: number;
  perSecond: number | null;
  /** Why it failed, and what to do. */
  found: string;
  toDo: string;
}

interface IChunk {
  choices?: { delta?: { content?: string | null } }[];
  usage?: { completion_tokens?: number } | null;
  error?: { message?: string };
}

const BEGUN: IReply = {
  text: '',
  state: 'coming',
  firstMs: null,
  tokens: 0,
  perSecond: null,
  found: '',
  toDo: ''
};

/**
 * Ask a server something, and tell what has come of the reply again and again.
 *
 * Nothing of it is kept anywhere. Tokens are the server's own count once it is told, at the end;
 * until then a chunk is one.
 */
export async function tried(
  api: Api,
  server: string,
  prompt: string,
  tell: (reply: IReply) => void,
  signal: AbortSignal
): Promise<void> {
  const begun = performance.now();
  let reply = BEGUN;
  let firstAt = 0;
  const say = (more: Partial<IReply>): void => {
    reply = { ...reply, ...more };
    tell(reply);
  };
  say({});
  try {
    for await (const chunk of api.chat(server, prompt, MOST_TOKENS, signal)) {
      const { choices, usage, error } = chunk as IChunk;
      if (error) {
        throw new Failure('ServerGone', error.message ?? '', '', 502);
      }
      const more = choices?.[0]?.delta?.content ?? '';
      const now = performance.now();
      if (more && reply.firstMs === null) {
        firstAt = now;
        say({ firstMs: now - begun });
      }
      const tokens = usage?.completion_tokens ?? reply.tokens + (more ? 1 : 0);
      const spent = (now - firstAt) / 1000;
      const perSecond = tokens > 1 && spent > 0 ? (tokens - 1) / spent : reply.perSecond;
      say({ text: reply.text + more, tokens, perSecond });
    }
    say({ state: 'done' });
  } catch (error) {
    if (signal.aborted) {
      say({ state: 'stopped' });
    } else {
      const known = error instanceof Failure;
      const found = known ? error.found : 'The connection to Jupyter broke.';
      say({ state: 'failed', found, toDo: known ? error.toDo : '' });
    }
  }
}

/** The same as code, which a notebook runs. */
export function asCode(server: string, prompt: string): string {
  return [
    `client = %aim client ${server}`,
    'reply = client.chat.completions.create(',
    '    model="default",',
    `    messages=[{"role": "user", "content": ${JSON.stringify(prompt)}}],`,
    `    max_tokens=${MOST_TOKENS})`,
    'reply.choices[0].message.content'
  ].join('\n');
}
