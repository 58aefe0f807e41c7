/*
 * fs_context.h - where a process stands in the file system: working directory, root, mask.
 *
 * The directories are the kernel's, as counted resources. A fork copies the context (one more
 * reference on each directory), or shares it with PROC_SHARE_FS: then a change by one is
 * seen by all.
 */
#pragma once

#include <anymm/lock.h>
#include <anymm/resource.h>

/* [l] lock */
struct fs_context {
	struct resource	 resource;
	struct lock	 lock; /* RANK_RESOURCE */
	struct resource *cwd;  /* [l] one reference, or NULL */
	struct resource *root; /* [l] one reference, or NULL */
	uint32_t	 mask; /* [l] permission bits that new files do not get */
};

/* fs_context_create - with one reference; takes over one on each directory. fails ERR_NOMEM: takes none */
err_t fs_context_create(struct resource *cwd, struct resource *root, uint32_t mask,
			struct fs_context **out);

/* fs_cwd, fs_root - with a reference for the caller. */
struct resource *fs_cwd(struct fs_context *fs);
struct resource *fs_root(struct fs_context *fs);

/* fs_set_cwd, fs_set_root - take over the caller's reference; the old one is put. */
void fs_set_cwd(struct fs_context *fs, struct resource *cwd);
void fs_set_root(struct fs_context *fs, struct resource *root);

/* fs_set_mask - the nine permission bits; gives the old mask. */
uint32_t fs_set_mask(struct fs_context *fs, uint32_t mask);
