import * as React from 'react';

import type { IReply } from '../trying';
import { asCode, MOST_TOKENS, tried } from '../trying';
import { whole } from '../words';
import { useSidebar } from './context';
import { Button } from './parts';

/** A prompt and its reply, below a running server; nothing of it is kept. */
export function TryIt({ server }: { server: string }): React.ReactElement {
  const { site, actions, trans } = useSidebar();
  const [isOpen, setOpen] = React.useState(false);
  const [prompt, setPrompt] = React.useState('');
  const [reply, setReply] = React.useState<IReply | null>(null);
  const asking = React.useRef<AbortController | null>(null);
  const id = React.useId();
  React.useEffect(() => () => asking.current?.abort(), []);
  const isComing = reply?.state === 'coming';
  const send = (): void => {
    if (prompt.trim() === '' || isComing) {
      return;
    }
    asking.current = new AbortController();
    void tried(site.api, server, prompt, setReply, asking.current.signal);
  };
  return (
    <div className="aim-Try">
      <div className="aim-Try-head">
        <button
          type="button"
          className="aim-Try-toggle"
          aria-expanded={isOpen}
          aria-controls={isOpen ? id : undefined}
          aria-label={trans.__('Try %1', server)}
          onClick={() => {
            setOpen(!isOpen);
          }}
        >
          <span className="aim-Caret" aria-hidden="true" />
          {trans.__('Try it')}
        </button>
        {isOpen && <span className="aim-soft">{trans.__('Nothing of this is kept.')}</span>}
      </div>
      {isOpen && (
        <div id={id}>
          <textarea
            rows={2}
            value={prompt}
            aria-label={trans.__('What you ask %1', server)}
            placeholder={trans.__('Ask %1 something', server)}
            onChange={event => {
              setPrompt(event.target.value);
            }}
            onKeyDown={event => {
              if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
                event.preventDefault();
                send();
              }
            }}
          />
          <div className="aim-Buttons">
            <Button isPrimary isDisabled={isComing || prompt.trim() === ''} onClick={send}>
              {trans.__('Send')}
            </Button>
            {isComing && (
              <Button onClick={() => asking.current?.abort()}>{trans.__('Stop reply')}</Button>
            )}
            <span className="aim-soft aim-Try-limit">
              {trans.__('up to %1 tokens', MOST_TOKENS)}
            </span>
          </div>
          {reply !== null && <Reply reply={reply} />}
          {reply !== null && !isComing && (
            <div className="aim-Buttons">
              <Button
                onClick={() => {
                  setReply(null);
                }}
              >
                {trans.__('Clear')}
              </Button>
              <Button
                onClick={() => {
                  actions.copy(asCode(server, prompt));
                }}
              >
                {trans.__('Copy as code')}
              </Button>
            </div>
          )}
        </div>
      )}
    </div>
  );
}

function Reply({ reply }: { reply: IReply }): React.ReactElement {
  const { trans } = useSidebar();
  const isComing = reply.state === 'coming';
  const first = reply.firstMs === null ? '' : whole(reply.firstMs, 'ms');
  const speed = reply.perSecond === null ? '' : whole(reply.perSecond, 'tok/s');
  return (
    <>
      <div
        className={`aim-Try-reply${isComing ? ' aim-mod-coming' : ''}`}
        role="log"
        aria-busy={isComing}
        aria-label={trans.__('Reply')}
      >
        {reply.text || (isComing ? trans.__('Waiting for the first token') : '')}
      </div>
      <p className="aim-Note">
        {first && (
          <>
            {trans.__('first token')} <strong>{first}</strong>
            {' · '}
          </>
        )}
        {speed && (
          <>
            <strong>{speed}</strong>
            {' · '}
          </>
        )}
        <strong>{trans._n('%1 token', '%1 tokens', reply.tokens)}</strong>
        {reply.state === 'stopped' && ` · ${trans.__('stopped')}`}
        {reply.state === 'failed' && ` · ${trans.__('cut off')}`}
      </p>
      {reply.state === 'failed' && (
        <div className="aim-Try-failed" role="alert">
          <p>{reply.found}</p>
          {reply.toDo && <code className="aim-Code">{reply.toDo}</code>}
        </div>
      )}
    </>
  );
}
