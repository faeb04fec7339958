/* SPDX-License-Identifier: MIT */
/*
 * newlib's locks: the kernel's recursive mutex serves for both kinds, because
 * threads are cooperative. All nine of libc's own locks must be defined here,
 * in one file with the functions, or the linker takes libc's empty ones.
 */
#include <stdlib.h>
#include <sys/lock.h>

#include <minios/kernel.h>
#include <minios/thread.h>

struct __lock {
    struct mutex mutex;
};

/* A mutex and its queue start as all zeroes. */
struct __lock __lock___sinit_recursive_mutex;
struct __lock __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex;
struct __lock __lock___at_quick_exit_mutex;
struct __lock __lock___malloc_recursive_mutex;
struct __lock __lock___env_recursive_mutex;
struct __lock __lock___tz_mutex;
struct __lock __lock___dd_hash_mutex;
struct __lock __lock___arc4random_mutex;

void __retarget_lock_init(_LOCK_T *lock)
{
    *lock = malloc(sizeof(**lock));
    if (!*lock) {
        kernel_panic("no memory for a lock");
    }
    mutex_init(&(*lock)->mutex);
}

void __retarget_lock_close(_LOCK_T lock)
{
    free(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
    mutex_lock(&lock->mutex);
}

int __retarget_lock_try_acquire(_LOCK_T lock)
{
    return mutex_trylock(&lock->mutex);
}

void __retarget_lock_release(_LOCK_T lock)
{
    mutex_unlock(&lock->mutex);
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    __retarget_lock_init(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    __retarget_lock_close(lock);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    __retarget_lock_acquire(lock);
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    return __retarget_lock_try_acquire(lock);
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    __retarget_lock_release(lock);
}
