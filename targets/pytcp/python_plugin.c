/* SPDX-License-Identifier: Apache-2.0
 * tcpassay's plugin interface for an adapter in Python: CPython runs inside the child process, and each function of the
 * table is a method of the object that Adapter() of ADAPTER_MODULE makes. What the host offers is the module `host`. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>

#include "tcpassay_plugin.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

static struct tcpassay_host host;
static PyObject* adapter;
static int emitting; /* what the stack sends while it starts is nobody's business */

static PyObject* host_emit(PyObject* self, PyObject* packet) {
  (void)self;
  char* octets;
  Py_ssize_t length;
  if (PyBytes_AsStringAndSize(packet, &octets, &length) < 0) return NULL;
  if (emitting && length > 0) host.emit(host.ctx, (const uint8_t*)octets, (size_t)length);
  Py_RETURN_NONE;
}

static PyObject* host_random(PyObject* self, PyObject* unused) {
  (void)self, (void)unused;
  return PyLong_FromUnsignedLong(host.random(host.ctx));
}

static PyMethodDef host_methods[] = {{"emit", host_emit, METH_O, "puts one IP packet on the wire"},
                                     {"random", host_random, METH_NOARGS, "32 bits"},
                                     {NULL, NULL, 0, NULL}};
static struct PyModuleDef host_module = {PyModuleDef_HEAD_INIT, "host", NULL, -1, host_methods, NULL, NULL, NULL, NULL};
static PyObject* host_init(void) {
  return PyModule_Create(&host_module);
}

/* An exception is a mistake of the adapter, or the stack has failed an assertion. */
static void report_exception(int while_starting) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  PyObject* text = PyUnicode_FromFormat("%S: %S", type, value);
  const char* why = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
  if (why == NULL) why = "an exception";
  if (while_starting) {
    host.log(host.ctx, why);
    Py_XDECREF(text);
    PyErr_Restore(type, value, trace);
    PyErr_Print();
    return;
  }
  char line[512];
  snprintf(line, sizeof line, "%s", why);
  Py_XDECREF(text);
  PyErr_Restore(type, value, trace);
  PyErr_Print();
  host.failed(host.ctx, line);
}

/* Calls a method that returns an integer; `format` as of Py_BuildValue, a tuple. */
static int64_t ask(const char* method, const char* format, ...) {
  va_list values;
  va_start(values, format);
  PyObject* arguments = Py_VaBuildValue(format, values);
  va_end(values);
  PyObject* function = PyObject_GetAttrString(adapter, method);
  PyObject* result = function != NULL && arguments != NULL ? PyObject_CallObject(function, arguments) : NULL;
  Py_XDECREF(function);
  Py_XDECREF(arguments);
  if (result == NULL) {
    report_exception(0);
    return -TCPASSAY_OTHER;
  }
  const int64_t answer = result == Py_None ? 0 : PyLong_AsLongLong(result);
  Py_DECREF(result);
  return answer;
}

/* Calls a method that returns a tuple of integers, or None: how many there are. */
static Py_ssize_t ask_many(const char* method, uint32_t* into, Py_ssize_t room, const char* format, unsigned a,
                           unsigned b) {
  PyObject* result = PyObject_CallMethod(adapter, method, format, a, b);
  if (result == NULL) {
    report_exception(0);
    return 0;
  }
  Py_ssize_t count = result == Py_None ? 0 : PyTuple_Size(result);
  if (count > room) count = room;
  for (Py_ssize_t i = 0; i < count; ++i) into[i] = (uint32_t)PyLong_AsUnsignedLongMask(PyTuple_GetItem(result, i));
  Py_DECREF(result);
  return count;
}

static int start_python(void) {
  /* Python's own modules look for its symbols among those of the program. */
  dlopen(PYTHON_LIBRARY, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
  PyImport_AppendInittab("host", host_init);
  PyConfig python;
  PyConfig_InitIsolatedConfig(&python);
  python.site_import = 0;
  python.write_bytecode = 1; /* beside the copies in the build folder */
  python.use_hash_seed = 1;  /* and the seed is 0: sets come in the same order each time */
  python.install_signal_handlers = 0;
  const PyStatus status = Py_InitializeFromConfig(&python);
  PyConfig_Clear(&python);
  if (PyStatus_Exception(status)) return 0;
  return PyRun_SimpleString("import sys; sys.path.insert(0, '" PYTHON_PACKAGES "')") == 0;
}

static PyObject* octets_of(const struct tcpassay_address* address) {
  return PyBytes_FromStringAndSize((const char*)address->octets, address->family == 6 ? 16 : 4);
}

static void* create(const struct tcpassay_host* from, const struct tcpassay_config* config) {
  host = *from;
  if (!Py_IsInitialized() && !start_python()) {
    host.log(host.ctx, "Python does not start");
    return NULL;
  }
  PyObject* module = PyImport_ImportModule(TEXT(ADAPTER_MODULE));
  if (module != NULL) {
    adapter = PyObject_CallMethod(module, "Adapter", "NNNNIs", octets_of(&config->local), octets_of(&config->local_v6),
                                  octets_of(&config->peer), octets_of(&config->peer_v6), (unsigned)config->mtu,
                                  config->extra);
    Py_DECREF(module);
  }
  if (adapter == NULL) {
    report_exception(1);
    return NULL;
  }
  return &adapter;
}

static void destroy(void* t) {
  (void)t;
  emitting = 0;
  Py_CLEAR(adapter);
}

static int reset(void* t, int ip_version) {
  (void)t;
  emitting = 0;
  const int result = (int)ask("reset", "(i)", ip_version);
  emitting = 1;
  return result;
}

static int input(void* t, const uint8_t* packet, size_t length) {
  (void)t;
  return (int)ask("input", "(y#)", (const char*)packet, (Py_ssize_t)length);
}

static int advance(void* t, uint64_t now_ns) {
  (void)t;
  return (int)ask("advance", "(K)", (unsigned long long)now_ns);
}

static uint64_t next_deadline(void* t) {
  (void)t;
  const int64_t next = ask("next_deadline", "()");
  return next < 0 ? UINT64_MAX : (uint64_t)next;
}

static int32_t open_endpoint(void* t) {
  (void)t;
  return (int32_t)ask("open", "()");
}

static int listen_on(void* t, int32_t endpoint, uint16_t port, uint32_t backlog) {
  (void)t;
  return (int)ask("listen", "(iHI)", endpoint, port, (unsigned)backlog);
}

static int connect_to(void* t, int32_t endpoint, uint16_t local_port, const struct tcpassay_address* remote,
                      uint16_t remote_port) {
  (void)t;
  return (int)ask("connect", "(iHNH)", endpoint, local_port, octets_of(remote), remote_port);
}

static int32_t accept_from(void* t, int32_t listener) {
  (void)t;
  return (int32_t)ask("accept", "(i)", listener);
}

static int64_t send_text(void* t, int32_t endpoint, const uint8_t* octets, size_t length, uint32_t flags) {
  (void)t, (void)flags;
  return ask("send", "(iy#)", endpoint, (const char*)octets, (Py_ssize_t)length);
}

static int64_t receive_text(void* t, int32_t endpoint, uint8_t* octets, size_t room) {
  (void)t;
  PyObject* result = PyObject_CallMethod(adapter, "receive", "in", endpoint, (Py_ssize_t)room);
  if (result == NULL) {
    report_exception(0);
    return -TCPASSAY_OTHER;
  }
  int64_t got = 0;
  if (PyBytes_Check(result)) {
    got = PyBytes_GET_SIZE(result);
    memcpy(octets, PyBytes_AS_STRING(result), (size_t)got);
  } else {
    got = PyLong_AsLongLong(result);
  }
  Py_DECREF(result);
  return got;
}

static int shutdown_sending(void* t, int32_t endpoint) {
  (void)t;
  return (int)ask("shutdown", "(i)", endpoint);
}

static int close_endpoint(void* t, int32_t endpoint) {
  (void)t;
  return (int)ask("close", "(i)", endpoint);
}

static int abort_endpoint(void* t, int32_t endpoint) {
  (void)t;
  return (int)ask("abort", "(i)", endpoint);
}

static int status_of(void* t, int32_t endpoint, struct tcpassay_status* status) {
  (void)t;
  uint32_t v[9];
  if (ask_many("status", v, 9, "iI", (unsigned)endpoint, 0) < 9) return -TCPASSAY_BAD_HANDLE;
  status->phase = v[0];
  status->error = (int32_t)v[1];
  status->readable = v[2];
  status->writable = v[3];
  status->acceptable = v[4];
  status->eof = (uint8_t)v[5];
  status->local_port = (uint16_t)v[6];
  status->remote_port = (uint16_t)v[7];
  status->soft_error = (int32_t)v[8];
  return 0;
}

static int set_option(void* t, int32_t endpoint, int option, int64_t value) {
  (void)t;
  return (int)ask("set_option", "(iiL)", endpoint, option, (long long)value);
}

static int configure(void* t, const char* name, int64_t value) {
  (void)t;
  return (int)ask("configure", "(sL)", name, (long long)value);
}

static int state_of(void* t, uint16_t local_port, uint16_t remote_port, struct tcpassay_state* state) {
  (void)t;
  uint32_t v[7];
  if (ask_many("state", v, 7, "II", local_port, remote_port) < 7) return 0;
  state->state = v[0];
  state->known = v[1];
  state->snd_una = v[2];
  state->snd_nxt = v[3];
  state->rcv_nxt = v[4];
  state->snd_wnd = v[5];
  state->rcv_wnd = v[6];
  return 1;
}

static const char* const settings[] = {ADAPTER_SETTINGS, NULL};

static const struct tcpassay_adapter table = {.abi = TCPASSAY_ABI,
                                              .size = sizeof(struct tcpassay_adapter),
                                              .name = ADAPTER_NAME,
                                              .version = ADAPTER_VERSION,
                                              .abilities = ADAPTER_ABILITIES,
                                              .options = ADAPTER_OPTIONS,
                                              .msl_ms = ADAPTER_MSL_MS,
                                              .settings = settings,
                                              .create = create,
                                              .destroy = destroy,
                                              .reset = reset,
                                              .input = input,
                                              .advance = advance,
                                              .next_deadline = next_deadline,
                                              .open = open_endpoint,
                                              .listen = listen_on,
                                              .connect = connect_to,
                                              .accept = accept_from,
                                              .send = send_text,
                                              .receive = receive_text,
                                              .shutdown = shutdown_sending,
                                              .close = close_endpoint,
                                              .abort = abort_endpoint,
                                              .status = status_of,
                                              .set_option = set_option,
                                              .configure = configure,
                                              .state = state_of};

__attribute__((visibility("default"))) const struct tcpassay_adapter* tcpassay_plugin(uint32_t host_abi) {
  (void)host_abi;
  return &table;
}
