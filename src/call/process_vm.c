/*
 * process_vm.c - copies between the memories of two processes, by vectors.
 *
 *	local    [ a1 ][ a2     ][ a3 ]      one stream of bytes
 *	remote   [ b1     ][ b2 ][ b3 ]      the other
 *	batch    [        ][      ]          of remote pages, in one element: brought in first
 *	step     [..]                        to the next border on either side, or of a remote page
 *
 * Both vectors are read and checked before a byte is copied. A step goes through a
 * buffer, so that a fault on one side happens with nothing of the other held. The
 * remote side is asked as a debugger would be: its regions must allow the access as
 * such, and a stack does not grow for it. Copying ends at the first byte that cannot be
 * reached; what was copied until then is the result.
 *
 * The pages of a batch are brought in for the access before any of its bytes is copied, as many as
 * Linux takes at once. So a page of a private file that is to be written becomes the remote space's
 * own also if the local side then has no bytes for it.
 */
#include <anymm/call.h>
#include <anymm/reclaim.h>

#include "space/bounds.h"

#define VEC_MAX	  1024
#define BYTES_MAX ((uint64_t)0x7ffff000) /* of the local side in one call, as in Linux */

/* Linux keeps the pages of a batch as pointers, in two pages of memory. */
#define BATCH_BYTES (2 * ARCH_PAGE_SIZE / sizeof(uint64_t) * ARCH_PAGE_SIZE)

/* A vector of the user's in kernel memory, and a position in it. */
struct stream {
	struct space	  *sp;
	pfn_t		   block; /* holds vec; pfn_none(): empty */
	struct user_iovec *vec;
	uint64_t	   nr;
	uint64_t	   at;	 /* element */
	uint64_t	   into; /* bytes of it that are done */
	uint64_t	   left; /* bytes of all elements together, at most BYTES_MAX: local only */
	uint64_t	   ready; /* bytes from the position on that were brought in: remote only */
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

/* check_vector - of the first nr elements no length is negative. */
static err_t
check_vector(const struct user_iovec *vec, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		if (vec[i].bytes >> 63)
			return ERR_INVAL;
	}
	return OK;
}

/*
 * stream_read - the vector from the memory of `owner`. As in Linux it is looked at from its start:
 * of a negative length and an element that cannot be read, the first is what is told.
 *   fails  ERR_INVAL: too long, or an element of negative length; ERR_FAULT; ERR_NOMEM.
 *          Nothing is held
 */
static err_t
stream_read(struct stream *s, struct space *owner, vaddr_t vec, uint64_t nr)
{
	uint64_t bytes = nr * sizeof(struct user_iovec);
	size_t	 missing;
	err_t	 err;

	s->block = pfn_none();
	s->nr = nr;
	if (nr > VEC_MAX)
		return ERR_INVAL;
	if (nr == 0)
		return OK;
	if (!lies_below(vec, bytes, ARCH_USER_END))
		return ERR_FAULT;
	err = frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .order = order_for(bytes) },
			  &s->block);
	if (err)
		return err;
	s->vec = arch_frame_ptr(s->block);
	missing = copy_from_space(owner, s->vec, vec, bytes);
	err = check_vector(s->vec, (bytes - missing) / sizeof(struct user_iovec));
	if (err == OK && missing)
		err = ERR_FAULT;
	if (err)
		stream_drop(s);
	return err;
}

/*
 * check_local - elements lie in the user half; lengths beyond the most that is copied are cut. As in
 * Linux the only element is cut first, and lies where it does then.
 */
static err_t
check_local(struct stream *s)
{
	if (s->nr == 1)
		s->vec[0].bytes = min_u64(s->vec[0].bytes, BYTES_MAX);
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
	permitted = r && (r->prot & prot) && !(r->flags & REGION_DEVICE);
	read_unlock(&sp->lock);
	return permitted;
}

/* bring_batch - gives the bytes before the first page that cannot be had. */
static uint64_t
bring_batch(struct space *sp, vaddr_t va, uint64_t room, enum access access)
{
	prot_t	 prot = access == ACCESS_STORE ? PROT_W : PROT_R;
	uint64_t wanted = min_u64(room, BATCH_BYTES - (va & ARCH_PAGE_MASK));
	uint64_t ready = 0;

	while (ready < wanted && permits(sp, va + ready, prot) &&
	       fault_populate(sp, va_range(va + ready, va + ready + 1), access) == FAULT_DONE)
		ready += ARCH_PAGE_SIZE - ((va + ready) & ARCH_PAGE_MASK);
	return min_u64(ready, wanted);
}

/* copy_bytes - one step's, by way of the buffer; gives how many have arrived. */
static size_t
copy_bytes(struct space *to, vaddr_t to_va, struct space *from, vaddr_t from_va, void *buffer,
	   size_t bytes)
{
	bytes -= copy_from_space(from, buffer, from_va, bytes);
	return bytes - copy_to_space(to, to_va, buffer, bytes);
}

/*
 * copy_step - the next bytes, with the remote side accessed by `access`; gives how many; *stuck: one
 * more was wanted and could not be reached. Gives 0 without that at the end of a side.
 */
static uint64_t
copy_step(struct stream *local, struct stream *remote, enum access access, uint64_t most,
	  void *buffer, bool *stuck)
{
	vaddr_t	 here, there;
	uint64_t room_here = stream_room(local, &here), room_there = stream_room(remote, &there);
	uint64_t room = min_u64(min_u64(room_here, room_there), most), bytes, copied;

	if (room == 0)
		return 0;
	if (remote->ready == 0)
		remote->ready = bring_batch(remote->sp, there, room_there, access);
	bytes = min_u64(room, ARCH_PAGE_SIZE - (there & ARCH_PAGE_MASK));
	bytes = min_u64(bytes, remote->ready);
	copied = access == ACCESS_STORE
			 ? copy_bytes(remote->sp, there, local->sp, here, buffer, bytes)
			 : copy_bytes(local->sp, here, remote->sp, there, buffer, bytes);
	*stuck = bytes == 0 || copied < bytes;
	remote->ready -= copied;
	local->into += copied;
	remote->into += copied;
	return copied;
}

static uint64_t
copy_streams(struct stream *local, struct stream *remote, enum access access, void *buffer,
	     bool *stuck)
{
	uint64_t done = 0, copied = 1;

	*stuck = false;
	while (copied > 0 && !*stuck) {
		copied = copy_step(local, remote, access, local->left - done, buffer, stuck);
		done += copied;
	}
	return done;
}

static err_t
copy_all(struct stream *local, struct stream *remote, enum access access, uint64_t *done)
{
	uint64_t copied;
	pfn_t	 buffer;
	bool	 stuck;
	err_t	 err = frame_alloc((struct frame_request){ .kind = FRAME_KERNEL }, &buffer);

	if (err)
		return err;
	copied = copy_streams(local, remote, access, arch_frame_ptr(buffer), &stuck);
	frame_release(buffer);
	if (stuck && copied == 0)
		return ERR_FAULT;
	*done = copied;
	return OK;
}

static err_t
process_vm(const struct process_vm_request *request, enum access access, uint64_t *done)
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
			err = copy_all(&local, &remote, access, done);
			stream_drop(&remote);
		}
	}
	stream_drop(&local);
	return err;
}

/* process_vm_again - memory for vectors and buffer comes before the first byte is copied. */
static err_t
process_vm_again(const struct process_vm_request *request, enum access access, uint64_t *done)
{
	unsigned tries = 0;
	err_t	 err;

	do
		err = process_vm(request, access, done);
	while (err == ERR_NOMEM && reclaim_retry(&tries));
	return err;
}

err_t
call_process_vm_readv(const struct process_vm_request *request, uint64_t *done)
{
	return process_vm_again(request, ACCESS_LOAD, done);
}

err_t
call_process_vm_writev(const struct process_vm_request *request, uint64_t *done)
{
	return process_vm_again(request, ACCESS_STORE, done);
}
