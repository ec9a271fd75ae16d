import { api, call, type Schemas } from '../api/client.js';

type Terminal = Schemas['Terminal'];

/** The requests for terminals, of a conversation or of the server. */
export class TerminalRequests {
  /** @param conversationId undefined: the server */
  constructor(private readonly conversationId: string | undefined) {}

  async list(): Promise<Terminal[]> {
    const { conversationId: id } = this;
    const { items } =
      id === undefined
        ? await call(api.GET('/api/terminals'))
        : await call(api.GET('/api/conversations/{runtime_conversation_id}/terminals', at(id)));
    return items;
  }

  open(): Promise<Terminal> {
    const { conversationId: id } = this;
    return id === undefined
      ? call(api.POST('/api/terminals', { body: {} }))
      : call(api.POST('/api/conversations/{runtime_conversation_id}/terminals', { ...at(id), body: {} }));
  }

  async close({ id, conversation_id: of }: Terminal): Promise<void> {
    if (of === null) await call(api.DELETE('/api/terminals/{terminal_id}', one(id)));
    else {
      await call(
        api.DELETE('/api/conversations/{runtime_conversation_id}/terminals/{terminal_id}', oneIn(of, id)),
      );
    }
  }

  takeOver({ id, conversation_id: of }: Terminal): Promise<Terminal> {
    return call(
      api.POST(
        '/api/conversations/{runtime_conversation_id}/terminals/{terminal_id}/take_over',
        oneIn(of ?? '', id),
      ),
    );
  }

  giveBack({ id, conversation_id: of }: Terminal): Promise<Terminal> {
    return call(
      api.POST(
        '/api/conversations/{runtime_conversation_id}/terminals/{terminal_id}/give_back',
        oneIn(of ?? '', id),
      ),
    );
  }
}

const at = (id: string) => ({ params: { path: { runtime_conversation_id: id } } });
const one = (terminal_id: string) => ({ params: { path: { terminal_id } } });
const oneIn = (runtime_conversation_id: string, terminal_id: string) => ({
  params: { path: { runtime_conversation_id, terminal_id } },
});
