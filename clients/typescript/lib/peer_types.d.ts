/** Rooms that are opened to peers beyond the server. */
/** The most that a peer may do: everything, everything but what looks secret, talk. */
export type Permission = "intimate" | "helper" | "chat";
export interface OpenOptions {
    /** When it ends, in milliseconds since 1970; the server decides when left out. */
    expiresAt?: number | undefined;
    /** How many peers may come; one when left out. */
    maxUses?: number | undefined;
}
export interface JoinPeerOptions {
    /** The signaling server; the one that the server is configured with when left out. */
    signalUrl?: string | undefined;
    permission?: Permission | undefined;
    /** When it ends, in milliseconds since 1970; never when left out. */
    expiresAt?: number | undefined;
}
/** A peer that came. */
export interface Guest {
    /** The agent that it is there. */
    agentId: string;
    displayName: string;
    permission: Permission;
    /** Whether it is linked now. */
    online: boolean;
}
/** A place for one peer. */
export interface PeerPlace {
    /** A secret: whoever has it can come in. */
    p2pRoomId: string;
    /** What to hand to the peer. */
    text: string;
    /** The command by which the peer comes in. */
    command: string;
    /** The peer that came; null while the place is free. */
    guest: Guest | null;
}
/** A room's opening to peers. */
export interface Opening {
    openingId: string;
    roomId: string;
    openedBy: string;
    permission: Permission;
    signalUrl: string;
    /** Whether somebody else opened the P2P room. */
    joined: boolean;
    createdAt: number;
    /** Null is never. */
    expiresAt: number | null;
    maxUses: number;
    /** How many have come, those included that were sent away since. */
    uses: number;
    places: PeerPlace[];
}
/** A new opening, with what is for its first peer. */
export interface OpenedRoom extends Opening {
    p2pRoomId: string;
    text: string;
    command: string;
}
