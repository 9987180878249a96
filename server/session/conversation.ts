/** Which conversation a session carries. */
import { CommandConversation } from './command-conversation.ts';
import { FileConversation } from './file-conversation.ts';
import type { Conversation, Scene } from './scene.ts';
import { ScpConversation } from './scp-conversation.ts';
import { transferOf } from './transfer.ts';

export function conversationOf(scene: Scene): Conversation {
  const { grant, request } = scene.context;
  if (grant.kind === 'sftp') return new FileConversation(scene);
  const transfer = transferOf(request);
  return transfer?.kind === 'scp'
    ? new ScpConversation(scene, transfer.call)
    : new CommandConversation(scene, transfer);
}
