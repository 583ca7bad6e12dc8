# packages: sbcl
# Common Lisp (SBCL): functions that are compiled and redefined, a collector that
# protects pages, conditions made of faults, threads, an image.
export LC_ALL=C.UTF-8
cat > a.lisp <<'END'
(defun fib (n) (declare (optimize speed) (fixnum n)) (if (< n 2) n (+ (the fixnum (fib (- n 1))) (the fixnum (fib (- n 2))))))
(print (fib 25)) (print (expt 3 200)) (print (/ 1 3)) (print (sqrt -2d0)) (print (loop for i below 1000 sum (isqrt i)))
;; The collector finds what was written by protecting pages: a signal for each.
(defvar *old* (make-array 200000 :initial-element nil))
(dotimes (round 20) (dotimes (i 200000) (when (zerop (mod (+ i round) 7)) (setf (aref *old* i) (list i round)))) (gc :full (zerop (mod round 5))))
(print (loop for x across *old* sum (+ (first x) (second x))))
(let ((table (make-hash-table :test 'equal))) (dotimes (i 50000) (setf (gethash (format nil "k~d" (mod i 5000)) table) i)) (print (loop for v being the hash-values of table sum v)))
(print (handler-case (car (read-from-string "5")) (type-error () :type))) (print (handler-case (/ 1 (read-from-string "0")) (division-by-zero () :division))) (print (handler-case (aref (vector 1 2) (read-from-string "5")) (error () :index)))
(print (handler-case (sb-sys:sap-ref-8 (sb-sys:int-sap 0) 0) (sb-sys:memory-fault-error () :memory)))
(defun deep (n) (+ 1 (deep (+ n 1)))) (print (loop repeat 5 collect (handler-case (deep 0) (storage-condition () :storage))))
;; Functions that are compiled, called, redefined.
(print (loop for i below 60 sum (funcall (compile nil `(lambda (x) (declare (fixnum x)) (loop for j below x sum (* j ,i)))) 100)))
(defun changing (x) x) (print (loop for i below 30 do (setf (symbol-function 'changing) (compile nil `(lambda (x) (+ x ,i)))) sum (changing i)))
(defclass shape () ((side :initarg :side :reader side))) (defclass cube (shape) ()) (defgeneric size (x)) (defmethod size ((x shape)) (* (side x) 2)) (defmethod size ((x cube)) (+ 1 (call-next-method))) (print (loop for i below 20000 sum (size (make-instance (if (evenp i) 'shape 'cube) :side i))))
#+(and sb-thread 64-bit) (let ((lock (sb-thread:make-mutex)) (total 0)) (mapc #'sb-thread:join-thread (loop for i below 6 collect (let ((i i)) (sb-thread:make-thread (lambda () (dotimes (j 3000) (let ((l (make-list 50 :initial-element i))) (sb-thread:with-mutex (lock) (incf total (reduce #'+ l))))) (when (= i 3) (gc))))))) (print total))
(print (handler-case (sb-ext:with-timeout 0.2 (loop)) (sb-ext:timeout () :timeout)))
(print (unwind-protect (catch 'out (mapc (lambda (x) (when (> x 2) (throw 'out x))) '(1 2 3 4))) (print :unwound)))
(print (with-output-to-string (s) (sb-ext:run-program "/bin/sh" '("-c" "echo child; exit 3") :output s))) (print (sb-ext:process-exit-code (sb-ext:run-program "/bin/sh" '("-c" "exit 3"))))
(print (list (sin 1d0) (exp 1d0) (float 1/3) (truncate -7 2) (floor -7 2) (round 2.5) (ash 1 100) (logcount 255) most-positive-fixnum (rational 0.1d0) (format nil "~r ~,3f ~x" 42 3.14159 255)))
(terpri) (sb-ext:exit :code 7 :abort nil)
END
sbcl --noinform --no-sysinit --no-userinit --disable-debugger --load a.lisp 2> log; echo $?; echo '(defun main () (format t "from an image ~a~%" (reduce (function +) (list 1 2 3))) (sb-ext:exit :code 4)) (sb-ext:save-lisp-and-die "image" :executable t :toplevel (function main))' > b.lisp; sbcl --non-interactive --no-userinit --load b.lisp > log 2>&1; ./image; echo $?; echo '(defun g (x) (* x 2)) (print (g 21))' > c.lisp; sbcl --noinform --non-interactive --eval '(compile-file "c.lisp")' > log 2>&1; sbcl --script c.fasl; echo
