/* SPDX-License-Identifier: MIT */
/*
 * Error numbers of the interface; calls return them negated. Included as it is, the header gives XEN_<name>
 * as enumeration constants (as .equ symbols in assembly). An includer that defines XEN_ERRNO(name, value)
 * first gets the bare list, as often as it likes; the macro is undefined at the end.
 */
#ifndef XEN_ERRNO

#ifndef __XEN_PUBLIC_ERRNO_H__
#define __XEN_PUBLIC_ERRNO_H__

#define XEN_ERRNO_DEFAULT_INCLUDE
#ifndef __ASSEMBLY__
#define XEN_ERRNO(name, value) XEN_##name = value,
enum xen_errno {
#elif __XEN_INTERFACE_VERSION__ < 0x00040700
#define XEN_ERRNO(name, value) .equ XEN_##name, value
#endif

#endif /* __XEN_PUBLIC_ERRNO_H__ */
#endif /* !XEN_ERRNO */

#ifdef XEN_ERRNO

XEN_ERRNO(EPERM, 1)          /* caller may not */
XEN_ERRNO(ENOENT, 2)         /* no such object */
XEN_ERRNO(ESRCH, 3)          /* no such domain */
#ifdef __XEN__
XEN_ERRNO(EINTR, 4)          /* inside the hypervisor only */
#endif
XEN_ERRNO(EIO, 5)            /* device failed */
XEN_ERRNO(ENXIO, 6)          /* number out of range */
XEN_ERRNO(E2BIG, 7)          /* list too long */
XEN_ERRNO(ENOEXEC, 8)        /* not a loadable image */
XEN_ERRNO(EBADF, 9)          /* bad handle */
XEN_ERRNO(ECHILD, 10)
XEN_ERRNO(EAGAIN, 11)        /* try again */
XEN_ERRNO(EWOULDBLOCK, 11)
XEN_ERRNO(ENOMEM, 12)        /* out of memory */
XEN_ERRNO(EACCES, 13)        /* wrong version of a control interface; access denied */
XEN_ERRNO(EFAULT, 14)        /* address cannot be read or written */
XEN_ERRNO(EBUSY, 16)         /* in use */
XEN_ERRNO(EEXIST, 17)        /* exists already */
XEN_ERRNO(EXDEV, 18)         /* crosses a boundary */
XEN_ERRNO(ENODEV, 19)        /* no such device */
XEN_ERRNO(ENOTDIR, 20)
XEN_ERRNO(EISDIR, 21)
XEN_ERRNO(EINVAL, 22)        /* argument makes no sense */
XEN_ERRNO(ENFILE, 23)
XEN_ERRNO(EMFILE, 24)
XEN_ERRNO(ENOSPC, 28)        /* table full */
XEN_ERRNO(EROFS, 30)         /* read-only */
XEN_ERRNO(EMLINK, 31)
XEN_ERRNO(EDOM, 33)          /* value outside the function's domain */
XEN_ERRNO(ERANGE, 34)        /* value out of range */
XEN_ERRNO(EDEADLK, 35)       /* would wait for ever */
XEN_ERRNO(EDEADLOCK, 35)
XEN_ERRNO(ENAMETOOLONG, 36)
XEN_ERRNO(ENOLCK, 37)
XEN_ERRNO(ENOSYS, 38)        /* no such call or sub-operation */
XEN_ERRNO(ENOTEMPTY, 39)
XEN_ERRNO(ENODATA, 61)       /* nothing there */
XEN_ERRNO(ETIME, 62)         /* time is past */
XEN_ERRNO(EBADMSG, 74)
XEN_ERRNO(EOVERFLOW, 75)     /* result does not fit */
XEN_ERRNO(EILSEQ, 84)
#ifdef __XEN__
XEN_ERRNO(ERESTART, 85)      /* inside the hypervisor only: call is to be continued */
#endif
XEN_ERRNO(ENOTSOCK, 88)
XEN_ERRNO(EMSGSIZE, 90)      /* message too long */
XEN_ERRNO(EOPNOTSUPP, 95)    /* known, but not offered here */
XEN_ERRNO(EADDRINUSE, 98)
XEN_ERRNO(EADDRNOTAVAIL, 99)
XEN_ERRNO(ENOBUFS, 105)      /* buffer too small */
XEN_ERRNO(EISCONN, 106)
XEN_ERRNO(ENOTCONN, 107)
XEN_ERRNO(ETIMEDOUT, 110)    /* took too long */
XEN_ERRNO(ECONNREFUSED, 111)

#undef XEN_ERRNO
#endif /* XEN_ERRNO */

#ifdef XEN_ERRNO_DEFAULT_INCLUDE
#undef XEN_ERRNO_DEFAULT_INCLUDE
#ifndef __ASSEMBLY__
};
#endif
#endif /* XEN_ERRNO_DEFAULT_INCLUDE */
