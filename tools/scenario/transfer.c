/*
 * transfer.c - memory reached from another process: process_vm_readv and writev.
 *
 * The program's part is played, too: the vectors are stored into its memory before the call.
 */
#include "scenario/call.h"

/* One piece on each side; the vectors lie in a page that the statement names. */
struct vm_call {
	struct process_vm_request request;
	bool			  write;
	uint64_t		  done;
	err_t			  err;
};

static void
do_transfer(void *arg)
{
	struct vm_call *call = arg;

	call->err = call->write ? call_process_vm_writev(&call->request, &call->done)
				: call_process_vm_readv(&call->request, &call->done);
}

/* Put the two vectors into the local process's memory, as its program would. */
static bool
store_vectors(struct run *r, struct vm_call *call, vaddr_t at, const struct user_iovec vectors[2])
{
	enum fault_result got;

	got = stage_access(r->cpu, call->request.local, ACCESS_STORE, at,
			   (void *)(uintptr_t)vectors, 2 * sizeof(vectors[0]), NULL);
	if (got != FAULT_DONE)
		return run_failed(r, "expected room for two vectors at 0x%llx, got %s",
				  (unsigned long long)at, fault_result_name(got));
	call->request.local_vec = at;
	call->request.nr_local = 1;
	call->request.remote_vec = at + sizeof(vectors[0]);
	call->request.nr_remote = 1;
	return true;
}

static bool
transfer(struct run *r, const char *verb, bool write)
{
	struct user_iovec vectors[2] = { 0 };
	struct vm_call	  call = { .write = write };
	struct wanted	  wanted;
	struct token	  token;
	struct name	 *local;
	struct name	 *remote;
	uint64_t	  scratch;

	if (!parse_process(r, &local) || !parse_number(r, &vectors[0].base, "an address") ||
	    !parse_process(r, &remote) || !parse_number(r, &vectors[1].base, "an address") ||
	    !parse_number(r, &vectors[0].bytes, "a length in bytes"))
		return false;
	if (!parse_token(r, &token, "by"))
		return false;
	if (!token_is(&token, "by"))
		return parse_expected(r, &token, "by");
	if (!parse_number(r, &scratch, "an address for the vectors") || !parse_wanted(r, &wanted))
		return false;
	if (r->dry)
		return true;
	vectors[1].bytes = vectors[0].bytes;
	call.request.local = space_of(local);
	call.request.remote = space_of(remote);
	if (!store_vectors(r, &call, scratch, vectors))
		return false;
	stage_on_cpu(r->cpu, do_transfer, &call);
	return compare_result(r, verb, &wanted, call.err, call.done, true);
}

/* process_vm_readv P ADDR Q ADDR BYTES by ADDR [= RESULT]: from Q to P */
bool
statement_process_vm_readv(struct run *r)
{
	return transfer(r, "process_vm_readv", false);
}

/* process_vm_writev P ADDR Q ADDR BYTES by ADDR [= RESULT]: from P to Q */
bool
statement_process_vm_writev(struct run *r)
{
	return transfer(r, "process_vm_writev", true);
}
