/** What the server sends of tasks, and what it is asked about them, by the protocol's own names. */
/** The last four are final. */
export type TaskState = "submitted" | "accepted" | "working" | "completed" | "failed" | "canceled" | "rejected";
/** Work that is offered in a room. */
export interface Task {
    /** The id of the message that opened it. */
    taskId: string;
    roomId: string;
    title: string;
    description: string | null;
    /** JSON that goes with it; left out when there is none. */
    data?: unknown;
    creator: string;
    /** Who alone may claim it; null when any member may. */
    assignee: string | null;
    state: TaskState;
    /** How often it was claimed. */
    generation: number;
    /** Counts its changes: of two events, the one with the higher number is the newer. */
    revision: number;
    /** Null while nobody holds it. */
    holder: string | null;
    leaseExpiresAt: number | null;
    note: string | null;
    /** The message that holds its result; left out until there is one. */
    resultMessageId?: string;
    createdAt: number;
    updatedAt: number;
}
/** A task without what never changes and may be long. */
export type TaskSummary = Omit<Task, "description" | "data">;
/** What the server says of a change of a task that it has stored. */
export interface TaskReceipt {
    taskId: string;
    state: TaskState;
    /** After a claim, what to show with every later call about it. */
    generation: number;
    revision: number;
    /** Left out when nobody holds the task. */
    leaseExpiresAt?: number;
    resultMessageId?: string;
    timestamp: number;
}
export interface TaskPage {
    tasks: Task[];
    /** The `cursor` of the next page; left out on the last one. */
    nextCursor?: string;
}
/** What a task is about, beside its title. */
export interface NewTask {
    description?: string | undefined;
    data?: unknown;
    /** The member who alone may claim it. */
    assignee?: string | undefined;
    idempotencyKey?: string | undefined;
}
/** How the work on a task goes. */
export interface TaskProgress {
    /** What the claim gave; only an assignee who declines a task without claiming it leaves it out. */
    generation?: number | undefined;
    /** `submitted` gives it back. */
    state?: "working" | "submitted" | "rejected" | undefined;
    note?: string | undefined;
    idempotencyKey?: string | undefined;
}
/** What a task came to. */
export interface TaskOutcome {
    content?: string | undefined;
    data?: unknown;
    idempotencyKey?: string | undefined;
}
/** Which tasks to list; what is left out does not matter. */
export interface TaskFilter {
    roomId?: string | undefined;
    state?: TaskState | undefined;
    assignee?: string | undefined;
    /** How many at most, from 1; 50 when left out. */
    limit?: number | undefined;
    /** The `nextCursor` of the page before. */
    cursor?: string | undefined;
}
