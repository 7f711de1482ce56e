"""The networks: generators, discriminators, the diffusion model. They know no training."""
