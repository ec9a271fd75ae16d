export { type RpcCall, RpcCalls } from './rpc-calls.js';
export {
  keyEnded,
  type NewRpcConversation,
  RpcConversations,
  type RpcListQuery,
  type RpcStatus,
} from './rpc-conversations.js';
export { RpcForwarder, type RpcUse } from './rpc-forwarder.js';
export { RpcModule } from './rpc.module.js';
export type { WaitEnd, WaitOptions } from './run-wait.js';
