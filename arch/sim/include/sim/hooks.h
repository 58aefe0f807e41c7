/*
 * hooks.h - what the contract's inline functions call in the simulator.
 *
 * Included by the headers of arch/ only; tests and tools use sim.h.
 */
#pragma once

#include <anymm/types.h>

struct arch_fault;
struct arch_fpu;

/*
 * RAM as the inline functions need it. A chunk is 512 frames; one that lies
 * wholly in RAM answers arch_frame_ptr without a search.
 */
#define SIM_CHUNK_SHIFT	 9
#define SIM_CHUNK_FRAMES ((uint64_t)1 << SIM_CHUNK_SHIFT)
#define SIM_CHUNK_WHOLE	 1

struct sim_ram {
	unsigned char *base;   /* of frame 0 */
	uint8_t	      *chunks; /* flags by chunk */
	uint64_t       nr_chunks;
	void	      *root_state;
};
extern struct sim_ram sim_ram;

void *sim_frame_ptr(pfn_t pfn);
void  sim_frame_zero(pfn_t pfn);
void  sim_frame_copy(pfn_t dst, pfn_t src);
void  sim_frame_retire(pfn_t pfn, unsigned order);
bool  sim_frame_revive(pfn_t pfn, unsigned order);
void  sim_poison(void *start, size_t bytes);
void  sim_unpoison(void *start, size_t bytes);
bool  sim_inject_failure(void);

/* Entries are passed as raw words, so that nothing here depends on the codec. */
void	 sim_pte_write(uint64_t *slot, uint64_t next);
uint64_t sim_pte_exchange(uint64_t *slot, uint64_t next);
bool	 sim_pte_cas(uint64_t *slot, uint64_t *expected, uint64_t next);

void sim_tlb_flush_page(unsigned asid, vaddr_t va);
void sim_tlb_flush_asid(unsigned asid);
void sim_tlb_flush_all(void);
void sim_tlb_activate(pfn_t root, unsigned asid);
void sim_tlb_settled(unsigned asid);
void sim_tlb_follow(pfn_t root, pfn_t reference);
void sim_pt_init_root(pfn_t root);

/* Points do nothing until a scheduler runs. sim_irq_set gives the state before. */
extern bool sim_points_on;
void	    sim_point(void);
void	    sim_relax(void);
bool	    sim_irq_set(bool on);
bool	    sim_irq_enabled(void);
uint64_t    sim_time(void);

void sim_fpu_save(struct arch_fpu *fpu);
void sim_fpu_load(const struct arch_fpu *fpu);

size_t sim_user_access(enum access access, vaddr_t va, void *buf, size_t bytes,
		       struct arch_fault *fault);

void		       sim_console_write(const char *text, size_t bytes);
[[gnu::noreturn]] void sim_stopped(void);
