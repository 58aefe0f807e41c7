/*
 * process_vm.c - copies between the memories of two processes, by vectors.
 *
 *	local    [ a1 ][ a2     ][ a3 ]      one stream of bytes
 *	remote   [ b1     ][ b2 ][ b3 ]      the other
 *	step     [..]                        to the next border on either side, or of a remote page
 *
 * Both vectors are read and checked before a byte is copied. A step goes through a
 * buffer, so that a fault on one side happens with nothing of the other held. The
 * remote side is asked as a debugger would be: its regions must allow the access as
 * such, and a stack does not grow for it. Copying ends at the first byte that cannot be
 * reached; what was copied until then is the result.
 */
#include <anymm/call.h>
#include <anymm/reclaim.h>

#include "space/bounds.h"

#define VEC_MAX	  1024
#define BYTES_MAX ((uint64_t)0x7ffff000) /* of the local side in one call, as in Linux */

/* A vector of the user's in kernel memory, and a position in it. */
struct stream {
	struct space	  *sp;
	pfn_t		   block; /* holds vec; pfn_none(): empty */
	struct user_iovec *vec;
	uint64_t	   nr;
	uint64_t	   at;	 /* element */
	uint64_t	   into; /* bytes of it that are done */
	uint64_t	   left; /* bytes of all elements together, at most BYTES_MAX: local only */
};

static unsigned
order_for(uint64_t bytes)
{
	unsigned order = 0;

	while ((ARCH_PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

static void
stream_drop(struct stream *s)
{
	if (!pfn_is_none(s->block))
		frame_release(s->block);
}

/*
 * stream_read - the vector from the memory of `owner`.
 *   fails  ERR_INVAL: too long, or an element of negative length; ERR_FAULT; ERR_NOMEM.
 *          Nothing is held
 */
static err_t
stream_read(struct stream *s, struct space *owner, vaddr_t vec, uint64_t nr)
{
	uint64_t bytes = nr * sizeof(struct user_iovec);
	err_t	 err;

	s->block = pfn_none();
	s->nr = nr;
	if (nr > VEC_MAX)
		return ERR_INVAL;
	if (nr == 0)
		return OK;
	err = frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .order = order_for(bytes) },
			  &s->block);
	if (err)
		return err;
	s->vec = arch_frame_ptr(s->block);
	if (copy_from_space(owner, s->vec, vec, bytes))
		err = ERR_FAULT;
	for (uint64_t i = 0; err == OK && i < nr; i++) {
		if (s->vec[i].bytes >> 63)
			err = ERR_INVAL;
	}
	if (err)
		stream_drop(s);
	return err;
}

/* check_local - elements lie in the user half; lengths beyond the most that is copied are cut. */
static err_t
check_local(struct stream *s)
{
	for (uint64_t i = 0; i < s->nr; i++) {
		if (!lies_below(s->vec[i].base, s->vec[i].bytes, ARCH_USER_END))
			return ERR_FAULT;
		s->left += min_u64(s->vec[i].bytes, BYTES_MAX - s->left);
	}
	return OK;
}

/* stream_room - bytes to the next border, after passing over empty elements; 0: the end. */
static uint64_t
stream_room(struct stream *s, vaddr_t *va)
{
	while (s->at < s->nr && s->into == s->vec[s->at].bytes) {
		s->at++;
		s->into = 0;
	}
	if (s->at == s->nr)
		return 0;
	*va = s->vec[s->at].base + s->into;
	return s->vec[s->at].bytes - s->into;
}

/* permits - the remote region at va allows this by itself. */
static bool
permits(struct space *sp, vaddr_t va, prot_t prot)
{
	struct region *r;
	bool	       permitted;

	read_lock(&sp->lock);
	r = space_find(sp, va);
	permitted = r && (r->prot & prot);
	read_unlock(&sp->lock);
	return permitted;
}

/* One step's bytes, by way of the buffer; gives how many have arrived. */
static size_t
copy_in(struct stream *local, vaddr_t to, struct stream *remote, vaddr_t from, void *buffer,
	size_t bytes)
{
	if (!permits(remote->sp, from, PROT_R))
		return 0;
	bytes -= copy_from_space(remote->sp, buffer, from, bytes);
	return bytes - copy_to_space(local->sp, to, buffer, bytes);
}

/* The remote page comes first: if it cannot be had, the local side has not been touched. */
static size_t
copy_out(struct stream *local, vaddr_t from, struct stream *remote, vaddr_t to, void *buffer,
	 size_t bytes)
{
	if (!permits(remote->sp, to, PROT_W) ||
	    fault_populate(remote->sp, va_range(to, to + bytes), ACCESS_STORE) != FAULT_DONE)
		return 0;
	bytes -= copy_from_space(local->sp, buffer, from, bytes);
	return bytes - copy_to_space(remote->sp, to, buffer, bytes);
}

typedef size_t copy_step(struct stream *local, vaddr_t here, struct stream *remote, vaddr_t there,
			 void *buffer, size_t bytes);

/* copy_streams - gives the bytes copied; *stuck: one more byte was wanted and could not be reached. */
static uint64_t
copy_streams(struct stream *local, struct stream *remote, copy_step *step, void *buffer,
	     bool *stuck)
{
	uint64_t done = 0;
	vaddr_t	 here, there;

	*stuck = false;
	while (done < local->left && !*stuck) {
		uint64_t room = min_u64(stream_room(local, &here), stream_room(remote, &there));
		uint64_t bytes, copied;

		if (room == 0)
			break;
		bytes = min_u64(room, ARCH_PAGE_SIZE - (there & ARCH_PAGE_MASK));
		bytes = min_u64(bytes, local->left - done);
		copied = step(local, here, remote, there, buffer, bytes);
		*stuck = copied < bytes;
		local->into += copied;
		remote->into += copied;
		done += copied;
	}
	return done;
}

static err_t
copy_all(struct stream *local, struct stream *remote, copy_step *step, uint64_t *done)
{
	uint64_t copied;
	pfn_t	 buffer;
	bool	 stuck;
	err_t	 err = frame_alloc((struct frame_request){ .kind = FRAME_KERNEL }, &buffer);

	if (err)
		return err;
	copied = copy_streams(local, remote, step, arch_frame_ptr(buffer), &stuck);
	frame_release(buffer);
	if (stuck && copied == 0)
		return ERR_FAULT;
	*done = copied;
	return OK;
}

static err_t
process_vm(const struct process_vm_request *request, copy_step *step, uint64_t *done)
{
	struct stream local = { .sp = request->local };
	struct stream remote = { .sp = request->remote };
	err_t	      err;

	if (request->flags)
		return ERR_INVAL;
	err = stream_read(&local, request->local, request->local_vec, request->nr_local);
	if (err)
		return err;
	err = check_local(&local);
	if (err == OK && local.left == 0) {
		*done = 0;
	} else if (err == OK) {
		err = stream_read(&remote, request->local, request->remote_vec, request->nr_remote);
		if (err == OK) {
			err = copy_all(&local, &remote, step, done);
			stream_drop(&remote);
		}
	}
	stream_drop(&local);
	return err;
}

/* process_vm_again - memory for vectors and buffer comes before the first byte is copied. */
static err_t
process_vm_again(const struct process_vm_request *request, copy_step *step, uint64_t *done)
{
	unsigned tries = 0;
	err_t	 err;

	do
		err = process_vm(request, step, done);
	while (err == ERR_NOMEM && reclaim_retry(&tries));
	return err;
}

err_t
call_process_vm_readv(const struct process_vm_request *request, uint64_t *done)
{
	return process_vm_again(request, copy_in, done);
}

err_t
call_process_vm_writev(const struct process_vm_request *request, uint64_t *done)
{
	return process_vm_again(request, copy_out, done);
}
