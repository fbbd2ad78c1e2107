/** The methods about keys, names and the audit log. */
import type { AuditOptions, AuditPage, IssuedKey, KeyOptions, ListedKey, RenamedAgent, RotatedKey, RotateOptions, Status } from "./agent_types.js";
import { TaskMethods } from "./tasks.js";
/** `agentId` is this agent when left out; anybody else is for the controller only. */
export declare abstract class KeyMethods extends TaskMethods {
    /** Makes a further key; for another agent an enrolment token in its place. */
    createKey(keyName: string, options?: KeyOptions & {
        agentId?: string | undefined;
    }): Promise<IssuedKey>;
    /**
     * Puts another key in the place of one; for another agent an enrolment token. This connection goes on, but a client
     * that reconnects needs the new key: make a new client with it.
     */
    rotateKey({ agentId, keyId, overlapMs, keyName, expiresAt }?: RotateOptions): Promise<RotatedKey>;
    /** Voids one key, or an enrolment token that was not used; not the key of this session. */
    revokeKey(keyId: string, agentId?: string): Promise<Status>;
    /** What is known of the keys of an agent; never the keys. */
    listKeys(agentId?: string): Promise<ListedKey[]>;
    /** Gives an agent another registered name. */
    renameAgent(displayName: string, agentId?: string): Promise<RenamedAgent>;
    /** The audit log, the newest entries first. Controller only. */
    listAudit({ limit, before, agentId, method }?: AuditOptions): Promise<AuditPage>;
}
