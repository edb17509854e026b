import { Api } from '../src/api';
import type { IReply } from '../src/trying';
import { asCode, tried } from '../src/trying';

/** An API whose server says these chunks, and then ends or fails. */
function saying(chunks: unknown[], end: () => void = () => undefined): Api {
  const api = new Api();
  api.chat = async function* () {
    for (const chunk of chunks) {
      await Promise.resolve();
      yield chunk;
    }
    end();
  };
  return api;
}

async function replies(api: Api, asking = new AbortController()): Promise<IReply[]> {
  const told: IReply[] = [];
  await tried(
    api,
    'demo',
    'Hello',
    reply => {
      told.push(reply);
    },
    asking.signal
  );
  return told;
}

const said = (content: string): unknown => ({ choices: [{ delta: { content } }] });

test('a reply grows, and the tokens are the count of the server', async () => {
  const usage = { choices: [], usage: { completion_tokens: 7 } };
  const told = await replies(saying([said('Hel'), said('lo'), usage]));
  expect(told[0]).toMatchObject({ state: 'coming', text: '', firstMs: null });
  expect(told.at(-1)).toMatchObject({ state: 'done', text: 'Hello', tokens: 7 });
  expect(told.at(-1)?.firstMs).not.toBeNull();
});

test('a reply that is stopped keeps what came', async () => {
  const asking = new AbortController();
  const api = saying([said('Hel')], () => {
    asking.abort();
    throw new Error('aborted');
  });
  expect((await replies(api, asking)).at(-1)).toMatchObject({ state: 'stopped', text: 'Hel' });
});

test('a server that ends says so, and the text stays', async () => {
  const told = await replies(saying([said('Hel'), { error: { message: 'It has ended.' } }]));
  expect(told.at(-1)).toMatchObject({ state: 'failed', text: 'Hel', found: 'It has ended.' });
});

test('the code asks for the same', () => {
  expect(asCode('demo', 'Say "no"\nagain')).toContain('"content": "Say \\"no\\"\\nagain"');
  expect(asCode('demo', 'x')).toContain('client = %aim client demo');
});
