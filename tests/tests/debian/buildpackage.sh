# packages: build-essential debhelper fakeroot python3-dev python3-pip python3-setuptools python3-wheel trixie:nodejs trixie:libnode-dev trixie:node-gyp
# What builds packages: dpkg-buildpackage of a source package with two binary ones,
# pip and setuptools with an extension in C, node-gyp with an addon in C++.
export LC_ALL=C HOME=$PWD SOURCE_DATE_EPOCH=1000000000 DEB_BUILD_OPTIONS=parallel=2
mkdir -p hello-1.0/debian/source hello-1.0/m; cd hello-1.0 || exit
cat > hello.c <<'END'
#include <stdio.h>
#include "greet.h"
int main(void) { puts(greet(42)); return 0; }
END
echo 'const char *greet(int); ' > greet.h
printf '#include <stdio.h>\n#include "greet.h"\nconst char *greet(int n) { static char text[40]; snprintf(text, sizeof text, "hello %%d", n); return text; }\n' > greet.c
cat > Makefile <<'END'
prefix = /usr
libdir = $(prefix)/lib/$(shell dpkg-architecture -qDEB_HOST_MULTIARCH)
all: hello
libgreet.so.1: greet.c greet.h
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -shared -fPIC -Wl,-soname,$@ -o $@ greet.c
hello: hello.c libgreet.so.1
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ hello.c ./libgreet.so.1
check: hello
	LD_LIBRARY_PATH=. ./hello | grep -x 'hello 42'
install:
	install -Dm755 hello $(DESTDIR)$(prefix)/bin/hello
	install -Dm644 libgreet.so.1 $(DESTDIR)$(libdir)/libgreet.so.1
	install -Dm644 greet.h $(DESTDIR)$(prefix)/include/greet.h
clean:
	rm -f hello libgreet.so.1
END
cat > debian/control <<'END'
Source: hello
Section: utils
Priority: optional
Maintainer: Nobody <nobody@example.org>
Build-Depends: debhelper-compat (= 13)
Standards-Version: 4.6.2
Rules-Requires-Root: no

Package: hello-more
Architecture: any
Depends: libgreet1 (= ${binary:Version}), ${shlibs:Depends}, ${misc:Depends}
Description: says hello
 It says hello.

Package: libgreet1
Architecture: any
Multi-Arch: same
Depends: ${shlibs:Depends}, ${misc:Depends}
Description: what hello says
 A library.

Package: greet-doc
Architecture: all
Depends: ${misc:Depends}
Description: what is known of it
 Documentation.
END
printf 'hello (1.0-1) unstable; urgency=low\n\n  * First.\n\n -- Nobody <nobody@example.org>  Sun, 09 Sep 2001 01:46:40 +0000\n' > debian/changelog
printf '#!/usr/bin/make -f\n%%:\n\tdh $@\noverride_dh_shlibdeps:\n\tdh_shlibdeps -l.\n' > debian/rules; chmod +x debian/rules; echo '3.0 (quilt)' > debian/source/format
echo usr/bin > debian/hello-more.install; echo 'usr/lib/*/libgreet.so.1' > debian/libgreet1.install; echo usr/include > debian/greet-doc.install; echo 'libgreet 1 libgreet1' > debian/libgreet1.shlibs; echo 'libgreet.so.1 libgreet1 #MINVER#
 greet@Base 1.0' > debian/libgreet1.symbols
tar -C .. --exclude=debian -caf ../hello_1.0.orig.tar.gz hello-1.0
dpkg-buildpackage -us -uc > ../log 2>&1; echo "dpkg-buildpackage: $?"; grep '^   \?dh_\|^dpkg-buildpackage: info\|warning' ../log | sed 's/amd64\|arm64/ARCH/; s/x86_64\|aarch64/ARCH/'
cd ..; for deb in *.deb; do echo "$deb" | sed 's/amd64\|arm64/ARCH/'; dpkg-deb -f "$deb" Package Version Depends Description | sed 's/(>= 2[^)]*)/(>= X)/'; dpkg-deb -c "$deb" | awk '{ print $1, $2, $6 }' | sed 's/x86_64\|aarch64/ARCH/; s/amd64\|arm64/ARCH/; s/[0-9a-f]\{2\}\/[0-9a-f]\{38\}/ID/; s/build-id\/[0-9a-f]\{2\}\/$/build-id\/ID\//'; done
grep -c . hello_1.0-1_*.changes; dpkg-source --before-build hello-1.0; sed -n 's/^Binary: //p; s/^ \(.*\) hello_1.0.orig.*/orig/p' hello_1.0-1.dsc; dpkg -i ./libgreet1_*.deb ./hello-more_*.deb > /dev/null 2>&1; echo $?; hello; dpkg -V hello-more libgreet1; dpkg -P hello-more libgreet1 > /dev/null 2>&1; hello 2>&1 | sed 's/.*line.*: //'
mkdir fast; cd fast || exit
cat > setup.py <<'END'
from setuptools import setup, Extension
setup(name="fast", version="1.2", py_modules=["slow"], ext_modules=[Extension("fast", ["fast.c"], define_macros=[("SCALE", "3")])], entry_points={"console_scripts": ["faster = slow:main"]})
END
cat > fast.c <<'END'
#define PY_SSIZE_T_CLEAN
#include <Python.h>
typedef struct { PyObject_HEAD long n; } Counter;
static PyObject *next(Counter *self) { if (self->n <= 0) return NULL; return PyLong_FromLong(self->n-- * SCALE); }
static PyObject *itself(PyObject *self) { Py_INCREF(self); return self; }
static int init(Counter *self, PyObject *args, PyObject *kw) { return PyArg_ParseTuple(args, "l", &self->n) ? 0 : -1; }
static PyTypeObject type = { PyVarObject_HEAD_INIT(NULL, 0) .tp_name = "fast.Counter", .tp_basicsize = sizeof(Counter), .tp_flags = Py_TPFLAGS_DEFAULT, .tp_new = PyType_GenericNew, .tp_init = (initproc)init, .tp_iter = itself, .tp_iternext = (iternextfunc)next };
static PyObject *total(PyObject *self, PyObject *args) { PyObject *f, *list; if (!PyArg_ParseTuple(args, "OO", &f, &list)) return NULL; double s = 0; for (Py_ssize_t i = 0; i < PySequence_Size(list); i++) { PyObject *x = PySequence_GetItem(list, i), *r = PyObject_CallFunctionObjArgs(f, x, NULL); Py_DECREF(x); if (!r) return NULL; s += PyFloat_AsDouble(r); Py_DECREF(r); } return PyFloat_FromDouble(s); }
static PyObject *spin(PyObject *self, PyObject *none) { unsigned long h = 1; Py_BEGIN_ALLOW_THREADS for (int i = 0; i < 3000000; i++) h = h * 31 + (h >> 7); Py_END_ALLOW_THREADS return PyLong_FromUnsignedLong(h); }
static PyMethodDef methods[] = { {"total", total, METH_VARARGS, ""}, {"spin", spin, METH_NOARGS, ""}, {0} };
static struct PyModuleDef module = { PyModuleDef_HEAD_INIT, "fast", "", -1, methods };
PyMODINIT_FUNC PyInit_fast(void) { if (PyType_Ready(&type) < 0) return NULL; PyObject *m = PyModule_Create(&module); Py_INCREF(&type); PyModule_AddObject(m, "Counter", (PyObject *)&type); return m; }
END
printf 'import fast, threading\ndef main():\n    out = []; t = [threading.Thread(target=lambda: out.append(fast.spin())) for _ in range(4)]\n    [x.start() for x in t]; [x.join() for x in t]\n    print(list(fast.Counter(4)), fast.total(lambda x: x / 2, range(100)), set(out))\n    try: fast.total(lambda x: 1 / x, [0])\n    except ZeroDivisionError as e: print(e)\n    try: fast.Counter("x")\n    except TypeError as e: print(e)\n' > slow.py
python3 -m pip wheel --no-build-isolation --no-index -q -w w . 2>&1 | grep -v -i 'warn\|notice\|root\|deprecat'; ls w | sed 's/x86_64\|aarch64/ARCH/g'; python3 -m pip install --break-system-packages --no-index --no-deps -q --root-user-action=ignore w/*.whl 2>&1 | grep -v -i warn; cd ..; faster; echo $?; python3 -m pip show -f fast 2>/dev/null | sed -n '1,2p; s/x86_64\|aarch64/ARCH/g; /^ .*\(so\|py\)$/p'; python3 -m pip uninstall --break-system-packages -y -q fast --root-user-action=ignore; faster 2>&1 | sed 's/.*line.*: //' 
command -v node-gyp > /dev/null || exit
mkdir -p na; cd na
cat > binding.gyp <<'END'
{ "targets": [ { "target_name": "addon", "sources": [ "addon.cc" ] } ] }
END
cat > package.json <<'END'
{ "name": "addon", "version": "1.0.0", "gypfile": true }
END
cat > addon.cc <<'END'
#include <node_api.h>
#include <cmath>
static napi_value Sum(napi_env env, napi_callback_info info) { size_t n = 8; napi_value a[8]; napi_get_cb_info(env, info, &n, a, nullptr, nullptr); double s = 0; for (size_t i = 0; i < n; i++) { double d; if (napi_get_value_double(env, a[i], &d) != napi_ok) { napi_throw_type_error(env, nullptr, "a number, please"); return nullptr; } s += d; } napi_value r; napi_create_double(env, s, &r); return r; }
struct Work { napi_async_work w; napi_deferred d; double x; };
static napi_value Later(napi_env env, napi_callback_info info) { size_t n = 1; napi_value a; napi_get_cb_info(env, info, &n, &a, nullptr, nullptr); Work *w = new Work(); napi_get_value_double(env, a, &w->x); napi_value p, name; napi_create_promise(env, &w->d, &p); napi_create_string_utf8(env, "w", 1, &name); napi_create_async_work(env, nullptr, name, [](napi_env, void *d) { Work *w = (Work *)d; for (int i = 0; i < 1000000; i++) w->x = std::sqrt(w->x + i); }, [](napi_env env, napi_status, void *d) { Work *w = (Work *)d; napi_value r; napi_create_double(env, w->x, &r); napi_resolve_deferred(env, w->d, r); napi_delete_async_work(env, w->w); delete w; }, w, &w->w); napi_queue_async_work(env, w->w); return p; }
static napi_value Init(napi_env env, napi_value e) { napi_value f; napi_create_function(env, "sum", 3, Sum, nullptr, &f); napi_set_named_property(env, e, "sum", f); napi_create_function(env, "later", 5, Later, nullptr, &f); napi_set_named_property(env, e, "later", f); return e; }
NAPI_MODULE(addon, Init)
END
HOME=$PWD node-gyp --nodedir=/usr configure build > log 2>&1; echo $?; node -e 'const a = require("./build/Release/addon"); let s = 0; for (let i = 0; i < 200000; i++) s = a.sum(s, i, 0.5); console.log(s); try { a.sum("x") } catch (e) { console.log(e.message) } Promise.all([1, 2, 3, 4].map(a.later)).then(r => console.log(r))'
