/** One function per method about tasks. */
import type { CallOptions, KeyedParams } from "./methods.js";
import type { NewTask, Task, TaskFilter, TaskOutcome, TaskPage, TaskProgress, TaskReceipt } from "./task_types.js";
/**
 * Offering work in a room, claiming it under a lease, and finishing it.
 *
 * All that change something may be repeated under the same `idempotencyKey`, within 24 hours, and then give the first
 * receipt; another request under it is refused (4081). The client repeats them by itself, as it does messages, under a key
 * of its own if none is given.
 */
export declare abstract class TaskMethods {
    abstract call<Result = unknown>(method: string, params?: object, options?: CallOptions): Promise<Result>;
    /** Calls a method that takes an idempotency key, again if need be. */
    protected abstract send<Result>(method: string, params: KeyedParams): Promise<Result>;
    /** Offers a task in a room, to its `assignee` alone or to every member. The task has the id of the message that opens it. */
    createTask(roomId: string, title: string, options?: NewTask): Promise<TaskReceipt>;
    /**
     * Takes a task that nobody holds, for `leaseMs` milliseconds or as long as the server says. Refused while somebody holds it
     * (4101): the `data` of the error says who and until when.
     */
    claimTask(taskId: string, options?: {
        leaseMs?: number | undefined;
        idempotencyKey?: string | undefined;
    }): Promise<TaskReceipt>;
    /** Keeps a task for longer; `generation` is what the claim gave. Refused once the lease has ended (4102). */
    renewTask(taskId: string, generation: number, options?: {
        leaseMs?: number | undefined;
        idempotencyKey?: string | undefined;
    }): Promise<TaskReceipt>;
    /** Says how the work goes: it has begun, it is given back, it is declined, or a note. Refused once the lease has ended (4102). */
    updateTask(taskId: string, progress: TaskProgress): Promise<TaskReceipt>;
    /** Ends a task with its result, a message that replies to it. Refused once the lease has ended (4102). */
    completeTask(taskId: string, generation: number, outcome?: TaskOutcome): Promise<TaskReceipt>;
    /** Ends a task that cannot be done, with a message that says why. Refused once the lease has ended (4102). */
    failTask(taskId: string, generation: number, outcome?: TaskOutcome): Promise<TaskReceipt>;
    /** Calls a task off. Who offered it, the owner of the room and the controller may. */
    cancelTask(taskId: string, reason?: string, idempotencyKey?: string): Promise<TaskReceipt>;
    /** A task. What was said of it: `roomHistory` with its id as `replyTo`. */
    getTask(taskId: string): Promise<Task>;
    /** Tasks of one room, or of all rooms that this agent is in: room by room, in each the oldest first. */
    listTasks(filter?: TaskFilter): Promise<TaskPage>;
}
