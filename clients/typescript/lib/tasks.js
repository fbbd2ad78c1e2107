/** One function per method about tasks. */
/**
 * Offering work in a room, claiming it under a lease, and finishing it.
 *
 * All that change something may be repeated under the same `idempotencyKey`, within 24 hours, and then give the first
 * receipt; another request under it is refused (4081). The client repeats them by itself, as it does messages, under a key
 * of its own if none is given.
 */
export class TaskMethods {
    /** Offers a task in a room, to its `assignee` alone or to every member. The task has the id of the message that opens it. */
    createTask(roomId, title, options = {}) {
        const { description, data, assignee, idempotencyKey } = options;
        return this.send("task.create", { roomId, title, description, data, assignee, idempotencyKey });
    }
    /**
     * Takes a task that nobody holds, for `leaseMs` milliseconds or as long as the server says. Refused while somebody holds it
     * (4101): the `data` of the error says who and until when.
     */
    claimTask(taskId, options = {}) {
        return this.send("task.claim", { taskId, leaseMs: options.leaseMs, idempotencyKey: options.idempotencyKey });
    }
    /** Keeps a task for longer; `generation` is what the claim gave. Refused once the lease has ended (4102). */
    renewTask(taskId, generation, options = {}) {
        return this.send("task.renew", { taskId, generation, leaseMs: options.leaseMs, idempotencyKey: options.idempotencyKey });
    }
    /** Says how the work goes: it has begun, it is given back, it is declined, or a note. Refused once the lease has ended (4102). */
    updateTask(taskId, progress) {
        const { generation, state, note, idempotencyKey } = progress;
        return this.send("task.update", { taskId, generation, state, note, idempotencyKey });
    }
    /** Ends a task with its result, a message that replies to it. Refused once the lease has ended (4102). */
    completeTask(taskId, generation, outcome = {}) {
        const { content, data, idempotencyKey } = outcome;
        return this.send("task.complete", { taskId, generation, content, data, idempotencyKey });
    }
    /** Ends a task that cannot be done, with a message that says why. Refused once the lease has ended (4102). */
    failTask(taskId, generation, outcome = {}) {
        const { content, data, idempotencyKey } = outcome;
        return this.send("task.fail", { taskId, generation, content, data, idempotencyKey });
    }
    /** Calls a task off. Who offered it, the owner of the room and the controller may. */
    cancelTask(taskId, reason, idempotencyKey) {
        return this.send("task.cancel", { taskId, reason, idempotencyKey });
    }
    /** A task. What was said of it: `roomHistory` with its id as `replyTo`. */
    async getTask(taskId) {
        const { task } = await this.call("task.get", { taskId });
        return task;
    }
    /** Tasks of one room, or of all rooms that this agent is in: room by room, in each the oldest first. */
    listTasks(filter = {}) {
        const { roomId, state, assignee, limit, cursor } = filter;
        return this.call("task.list", { roomId, state, assignee, limit, cursor });
    }
}
